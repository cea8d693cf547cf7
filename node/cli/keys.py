"""`dcn keys`: the public half of a node's keys, and single keys for oracles and issuers."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import FileUnusable, UsageWrong, pairs, print_json

app = typer.Typer(no_args_is_help=True, help="Public keys of a home, and new single keys.")


@app.command()
def show(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show a home's public keys and peer id; secrets are never shown.

    With --json this is the file that `dcn genesis compose` takes as `keys_file` of a member.
    """
    from node.home import Home
    from node.identity import as_json as shown
    from node.identity import public_keys_of

    found = shown(public_keys_of(Home(home)))
    if as_json:
        print_json(found)
    else:
        pairs(f"Public keys of {found['lei']}", found)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="Where the secret goes (32 bytes in hex).")],
    as_json: JsonOption = False,
) -> None:
    """Make one signing key, for an oracle or an issuer that runs no node; print its public half.

    The file is readable by its owner only; an existing file is refused.
    """
    from node.files import replace_file
    from wire.signing import SigningKey

    if file.exists():
        raise FileUnusable(f"{file} exists already")
    seed = secrets.token_bytes(32)
    replace_file(file, seed.hex().encode())
    public = SigningKey(seed).public.hex()
    if as_json:
        print_json({"file": str(file), "public_key": public})
    else:
        typer.echo(public)


@app.command()
def rotate(
    home: HomeOption,
    purpose: Annotated[str, typer.Argument(help="trade, treasury, governance, peer or consensus.")],
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the block.")] = 15,
    as_json: JsonOption = False,
) -> None:
    """Make a new key and put it on the ledger in the place of the old one.

    The new secret waits in `keys.next.json`; when the transaction is decided, stop the node, run
    `dcn keys adopt`, and start it again. A validator's old key votes for one more height, which
    this waits for, and the new one from then on: the network goes on while the node is restarted.
    If this is interrupted, run it again: the same new key is used.
    """
    from node.admin_log import record
    from node.cli.client import Client
    from node.cli.sending import send, signed_action, tell, wait_for
    from node.home import Home
    from node.rotation import ROTATED, next_key, rotation
    from wire import ids

    if purpose not in ROTATED:
        raise UsageWrong(f"{purpose[:20]!r}: one of {', '.join(ROTATED)}")
    client, where = Client(home), Home(home)
    action, keys = rotation(where, ids.lei(client.lei), next_key(where, purpose))
    found = send(client, signed_action(client, action, *keys), timeout)
    if purpose == "consensus" and found["status"] == "decided":
        wait_for(client, found["height"] + 1, timeout)
    record(where.data, "keys rotate", purpose=purpose, public_key=action.new.hex())
    tell({**found, "public_key": action.new.hex()}, as_json, f"New {purpose} key")


@app.command()
def adopt(home: HomeOption, as_json: JsonOption = False) -> None:
    """Put the new keys that the ledger names in the place of the old ones; the node must not run.

    Until this is done the node goes on with its old keys, which nobody accepts any more.
    """
    import asyncio

    from ledger.tables import KEYS
    from node.admin_log import record
    from node.home import Home
    from node.lock import HomeLock
    from node.rotation import adopt as adopted
    from node.stored import stored_tip

    where = Home(home)
    with HomeLock(where.lock):
        tip = asyncio.run(stored_tip(where))
        rows = [(KEYS.parts(key)[0], row) for key, row in tip.state.scan(KEYS)]
        on_ledger = {public for public, row in rows if not row.retired}
        purposes = adopted(where, on_ledger, tip.validators.powers)
        record(where.data, "keys adopt", purposes=purposes)
    if as_json:
        print_json({"adopted": purposes})
    else:
        typer.echo(f"in use from now on: {', '.join(purposes)}; start the node with `dcn run`")


PassphraseFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="File whose first line is the new passphrase."),
]


@app.command()
def encrypt(
    home: HomeOption, passphrase_file: PassphraseFile = None, as_json: JsonOption = False
) -> None:
    """Seal a home's keys under a passphrase (scrypt, AES-256-GCM), or change the passphrase.

    From then on every command that signs, and `dcn run`, needs it: from the file that
    DCN_PASSPHRASE_FILE names, from the systemd credential `dcn.passphrase`, or typed in. Nobody can
    recover a forgotten passphrase: the members must then replace the keys by vote.
    """
    from node.admin_log import record
    from node.home import Home
    from node.passphrase import chosen
    from node.rotation import require_none_waiting

    where = Home(home)
    keys = where.keys()
    require_none_waiting(where)
    where.write_keys(keys, chosen(passphrase_file, "the keystore"))
    record(where.data, "keys encrypt")
    _tell_sealed(where.sealed, home, as_json)


@app.command()
def decrypt(home: HomeOption, as_json: JsonOption = False) -> None:
    """Take the passphrase off a home's keys: keys.json is plain again, readable by its owner only.

    Then whoever can read the file can sign as this member. The present passphrase is needed.
    """
    from node.admin_log import record
    from node.home import Home
    from node.rotation import require_none_waiting

    where = Home(home)
    keys = where.keys()
    require_none_waiting(where)
    where.write_plain(keys)
    record(where.data, "keys decrypt")
    _tell_sealed(where.sealed, home, as_json)


def _tell_sealed(sealed: bool, home: Path, as_json: bool) -> None:
    if as_json:
        print_json({"home": str(home), "sealed": sealed})
    else:
        typer.echo(f"The keys of {home} are {'sealed' if sealed else 'plain'} now.")
