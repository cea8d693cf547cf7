"""The command `dcn`."""

import sys
from importlib.metadata import entry_points
from typing import cast

import typer

from node.cli import (
    account,
    api,
    backup,
    block,
    blotter,
    bundle,
    config,
    confirm,
    doctor,
    explain,
    export,
    genesis,
    governance,
    holders,
    importing,
    init,
    inspect,
    join,
    keys,
    ledger,
    member,
    playback,
    prove,
    prune,
    reconcile,
    report,
    reset,
    rulebook,
    run,
    scenario,
    statement,
    status,
    token,
    top,
    trade,
    tx,
    upgrade,
    verify,
    verify_proof,
)
from node.cli.light.command import app as light
from node.cli.net.command import app as net
from node.cli.output import Exit, FileUnusable, UsageWrong, fail
from node.cli.recover import app as recover
from node.cli.signer import app as signer
from node.cli.testnet.command import app as testnet
from node.cli.whatif import app as whatif
from wire.errors import CodedError

app = typer.Typer(
    name="dcn",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A decentralised clearing network: netting, margin and settlement without a clearing "
    "house. Start with `dcn testnet run`, or `dcn init` to join a network. Exit codes: 0 yes, "
    "1 no, 2 wrong command line, 3 a file or node is not as it must be, 4 refused, 5 a bug, "
    "6 another version goes on (`dcn upgrade`).",
)
app.command()(init.init)
app.command()(join.join)
app.add_typer(keys.app, name="keys")
app.add_typer(config.app, name="config")
app.add_typer(genesis.app, name="genesis")
app.command()(run.run)
app.command()(status.status)
app.add_typer(token.app, name="token")
app.add_typer(api.app, name="api")
app.command()(top.top)
app.command()(playback.replay)
app.command()(doctor.doctor)
app.command()(bundle.bundle)
app.command()(backup.backup)
app.command()(backup.restore)
app.add_typer(trade.app, name="trade")
app.add_typer(blotter.app, name="blotter")
app.add_typer(governance.app, name="governance")
app.add_typer(tx.app, name="tx")
app.command()(rulebook.rulebook)
app.command()(ledger.ledger)
app.add_typer(member.app, name="member")
app.command()(account.account)
app.command()(holders.holders)
app.command()(holders.trace)
app.command()(confirm.confirm)
app.add_typer(statement.app, name="statement")
app.command()(block.block)
app.command()(prove.prove)
app.command("verify-proof")(verify_proof.verify_proof)
app.command()(verify.verify)
app.command()(inspect.inspect)
app.command()(reset.reset)
app.command()(prune.prune)
app.command()(upgrade.upgrade)
app.command()(explain.explain)
app.add_typer(importing.app, name="import")
app.command()(export.export)
app.command()(reconcile.reconcile)
app.add_typer(report.app, name="report")
app.add_typer(scenario.app, name="scenario")
app.add_typer(whatif, name="whatif")
app.add_typer(light, name="light")
app.add_typer(signer, name="signer")
app.add_typer(recover, name="recover")
app.add_typer(net, name="net")
app.add_typer(testnet, name="testnet")
for plugin in entry_points(group="dcn.commands"):  # the simulator stands beside the node, not in it
    app.command(plugin.name)(plugin.load())

USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""Base of everything wrong with a command line, which typer does not export."""


def main() -> None:
    """Run the command; errors are one line with a code and a remedy."""
    as_json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False, prog_name="dcn")  # as installed, for completion
    except CodedError as error:
        fail(error, as_json=as_json)
    except USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help itself is printed already
            raise SystemExit(int(Exit.USAGE)) from None
        fail(UsageWrong(_message(error)), as_json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(int(Exit.OK)) from None
    except OSError as error:
        fail(FileUnusable(f"{error.filename}: {error.strerror}"), as_json=as_json)
    except AssertionError as error:
        sys.stderr.write(f"BUG: {error!r}\n")
        raise SystemExit(int(Exit.BUG)) from error
    raise SystemExit(code if isinstance(code, int) else int(Exit.OK))


def _message(error: BaseException) -> str:
    shown = getattr(error, "format_message", None)
    return str(shown()) if callable(shown) else str(error)


if __name__ == "__main__":
    main()
