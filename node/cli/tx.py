"""`dcn tx`: any transaction of the ledger, written down, signed in turn, checked, sent."""

import secrets
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, pairs, print_json, read_bytes, read_text, table, write_file

if TYPE_CHECKING:
    from ledger.transactions import Transaction

app = typer.Typer(
    no_args_is_help=True,
    help="Any transaction: write its fields in a TOML file, `make` it, have each party `sign` it, "
    "`check` what would become of it, `send` it. `kinds` shows what there is.",
)

FileArgument = Annotated[Path, typer.Argument(help="A transaction, as `make` and `sign` write it.")]
OutOption = Annotated[Path, typer.Option(help="Where the transaction goes.")]


@app.command()
def kinds(
    name: Annotated[str, typer.Argument(help="One kind, for its fields.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the kinds of transactions, or the fields of one."""
    from ledger.execution import RULES
    from node.forms import fields_of

    known = {kind.__name__: kind for kind in RULES}
    if not name:
        found = {key: (kind.__doc__ or "").split("\n")[0] for key, kind in sorted(known.items())}
        if as_json:
            print_json(found)
        else:
            table("Transactions", ["kind", "what it does"], [[k, v] for k, v in found.items()])
        return
    if name not in known:
        raise UsageWrong(f"no transaction is called {name}; see `dcn tx kinds`")
    fields = fields_of(known[name])
    if as_json:
        print_json(fields)
    else:
        table(name, ["field", "type"], [[key, text] for key, text in fields.items()])


@app.command()
def make(
    home: HomeOption,
    file: Annotated[Path, typer.Argument(help="TOML: `tx = KIND` and its fields.")],
    out: OutOption,
    blocks: Annotated[int, typer.Option(help="How many blocks it stays valid.")] = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Make a transaction from its fields, and sign it with the home's keys.

    The file says what a step of a scenario says (docs/SCENARIOS.md), with LEIs for names:
    `tx = "PostIm"`, `party = "LEI"` and so on. Who else has to sign gets the file (`dcn tx sign`).
    """
    from ledger.execution import RULES
    from ledger.transactions import is_trade, unsigned
    from node.cli.client import Client
    from node.forms import BadForm, Names, build

    try:
        fields = tomllib.loads(read_text(file))
    except ValueError as error:
        raise BadForm(f"{file}: {error}") from None
    known = {kind.__name__: kind for kind in RULES}
    kind = known.get(str(fields.pop("tx", "")))
    if kind is None:
        raise BadForm(f"{file}: tx is none of {', '.join(sorted(known))}")
    action = build(kind, fields, Names({}), str(file))
    client = Client(home)
    status = client.get("/v1/status")
    nonce = 0 if is_trade(action) else secrets.randbits(63)
    until = status["height"] + blocks
    tx = unsigned(status["chain_id"], action, nonce=nonce, valid_until=until)
    _signed_on(home, client, tx, out, as_json)


@app.command()
def sign(home: HomeOption, file: FileArgument, out: OutOption, as_json: JsonOption = False) -> None:
    """Look at a transaction that another party has made, and add the home's signature.

    Look first: `dcn tx check`.
    """
    from ledger.transactions import decode_transaction
    from node.cli.client import Client

    _signed_on(home, Client(home), decode_transaction(read_bytes(file)), out, as_json)


@app.command()
def check(home: HomeOption, file: FileArgument, as_json: JsonOption = False) -> None:
    """Show a transaction, who has signed and who has not, and what would become of it now."""
    from node.cli.client import Client

    found = _checked(Client(home), read_bytes(file))
    if as_json:
        print_json(found)
    else:
        _show(found)


@app.command()
def send(
    home: HomeOption,
    file: FileArgument,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the block.")] = 15,
    as_json: JsonOption = False,
) -> None:
    """Hand a signed transaction to the home's node, and follow it into a block."""
    from ledger.transactions import decode_transaction
    from node.cli.client import Client
    from node.cli.sending import send as submit
    from node.cli.sending import tell

    tx = decode_transaction(read_bytes(file))
    tell(submit(Client(home), tx, timeout), as_json, str(file))


def _signed_on(home: Path, client: Any, tx: "Transaction", out: Path, as_json: bool) -> None:
    """Sign `tx` with those of the home's keys that its signers' roles ask for."""
    from ledger.transactions import signed
    from node.cli.sending import own_key
    from wire.codec import encode

    asked = _checked(client, encode(tx))
    roles = [one["role"].lower() for one in asked["signers"] if one["lei"] == client.lei]
    complete = signed(tx, *(own_key(home, role) for role in roles))
    write_file(out, encode(complete))
    found = _checked(client, encode(complete))
    if as_json:
        print_json({"file": str(out), **found})
        return
    _show(found)
    waiting = [one["lei"] for one in found["signers"] if not one["signed"]]
    if waiting:
        typer.echo(f"{out} waits for {', '.join(waiting)}: dcn tx sign {out}")
    else:
        typer.echo(f"Everybody has signed: dcn tx send {out}")


def _checked(client: Any, data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = client.post("/v1/transactions/check", {"tx": data.hex()})
    return found


def _show(found: dict[str, Any]) -> None:
    signers = [
        f"{one['lei']} ({one['role']}): {'has signed' if one['signed'] else 'has not signed'}"
        for one in found["signers"]
    ]
    would = found["code"] if found["code"] == "OK" else f"{found['code']}: {found['detail']}"
    pairs(
        f"{found['action']['type']} {found['tx_id'][:16]}",
        {
            **{name: value for name, value in found["action"].items() if name != "type"},
            "signers": "; ".join(signers),
            "valid until": found["valid_until"],
            "in the next block": would,
        },
    )
