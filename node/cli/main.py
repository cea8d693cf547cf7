"""The command `dcn`."""

import sys
from importlib.metadata import entry_points

import typer

from node.cli.output import Exit, fail
from node.cli.run import run
from node.cli.testnet.command import app as testnet
from wire.errors import CodedError

app = typer.Typer(
    name="dcn",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A decentralised clearing network: netting, margin and settlement without a clearing "
    "house. Start with `dcn testnet run`, or `dcn init` to join a network.",
)
app.command()(run)
app.add_typer(testnet, name="testnet")
for plugin in entry_points(group="dcn.commands"):  # the simulator stands beside the node, not in it
    app.command(plugin.name)(plugin.load())


def main() -> None:
    """Run the command; errors are one line with a code and a remedy."""
    try:
        app()
    except CodedError as error:
        fail(error, as_json="--json" in sys.argv)
    except AssertionError as error:
        sys.stderr.write(f"BUG: {error!r}\n")
        raise SystemExit(int(Exit.BUG)) from error


if __name__ == "__main__":
    main()
