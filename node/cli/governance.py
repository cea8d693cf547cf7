"""`dcn governance`: membership, proposals and votes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import UsageWrong, pairs, print_json, read_bytes, read_text, table, write_file

if TYPE_CHECKING:
    from ledger.objects import ProposalBody

app = typer.Typer(
    no_args_is_help=True,
    help="Applications, proposals and votes: how members, validators and the rulebook change.",
)
proposing = typer.Typer(no_args_is_help=True, help="Open a proposal; members vote on it.")
app.add_typer(proposing, name="propose")

ReasonOption = Annotated[str, typer.Option(help="Why, in a line for the voters.")]
TimeoutOption = Annotated[float, typer.Option(help="Seconds to wait for the block.")]
LeiArgument = Annotated[str, typer.Argument(help="The member's LEI.")]


@app.command("list")
def list_(home: HomeOption, as_json: JsonOption = False) -> None:
    """List all proposals, newest first, with where they stand."""
    from node.cli.client import Client

    found = list(Client(home).items("/v1/proposals"))
    if as_json:
        print_json(found)
        return
    rows = [
        [
            str(one["number"]),
            one["state"],
            one["body"]["type"],
            one["body"].get("lei", ""),
            str(one["due"] or ""),
            f"{one['in_favour']} / {one['against']} of {one['entitled']}",
        ]
        for one in found
    ]
    columns = ["number", "state", "what", "about", "due", "for / against"]
    table("Proposals", columns, rows)


@app.command()
def show(
    home: HomeOption,
    number: Annotated[int, typer.Argument(help="The proposal's number.")],
    as_json: JsonOption = False,
) -> None:
    """Show a proposal: what it would do, the rule it is decided by, the votes so far."""
    from node.cli.client import Client

    found = Client(home).get(f"/v1/proposals/{number}")
    if as_json:
        print_json(found)
    else:
        pairs(f"Proposal {number}", found)


@app.command()
def vote(
    home: HomeOption,
    number: Annotated[int, typer.Argument(help="The proposal's number.")],
    in_favour: Annotated[
        bool, typer.Option("--for/--against", help="In favour, or against.", show_default=False)
    ],
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Vote on an open proposal with the home's governance key; the last vote counts.

    Whom a proposal is about, and its group, have no vote. A proposal that no further vote could
    stop is adopted at once, others when their window closes.
    """
    from ledger.actions import CastVote
    from node.cli.client import Client
    from node.cli.sending import own_key, send, signed_action, tell

    client = Client(home)
    action = CastVote(_lei(client.lei), number, in_favour)
    tx = signed_action(client, action, own_key(home, "governance"))
    tell(send(client, tx, timeout), as_json, f"Vote on proposal {number}")


@app.command("stand-down")
def stand_down(home: HomeOption, timeout: TimeoutOption = 15, as_json: JsonOption = False) -> None:
    """Leave the validator set, two heights later; the member goes on trading."""
    from ledger.actions import StandDown
    from node.cli.client import Client
    from node.cli.sending import own_key, send, signed_action, tell

    client = Client(home)
    tx = signed_action(client, StandDown(_lei(client.lei)), own_key(home, "governance"))
    tell(send(client, tx, timeout), as_json, f"{client.lei} stands down as a validator")


# -------------------------------------------------------------------- joining
@app.command("apply")
def apply_(
    home: HomeOption,
    out: Annotated[Path, typer.Option(help="Where the signed application goes.")],
    group: Annotated[str, typer.Option(help="LEI of the ultimate parent, if there is one.")] = "",
    contribution: Annotated[
        int,
        typer.Option(help="What you commit to pay into the default fund, minor units."),
    ] = 0,
    height: Annotated[
        int, typer.Option(help="The network's height, if it is known: how long it stays valid.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Sign an application for membership with the keys of a new home.

    Any member hands it in (`dcn governance submit`), proposes admission
    (`dcn governance propose admit`), and the electorate votes. The new node then finds its peers
    open to it, and catches up by itself.
    """
    from ledger.transactions import signed, tx_id, unsigned
    from node.home import Home
    from node.identity import application
    from wire.codec import encode
    from wire.limits import VALID_UNTIL_HEIGHTS_MAX

    where = Home(home)
    action, keys = application(where, group, contribution)
    until = height + VALID_UNTIL_HEIGHTS_MAX
    chain_id = where.genesis().chain_id
    tx = signed(unsigned(chain_id, action, nonce=0, valid_until=until), *keys)
    write_file(out, encode(tx))
    found = {"file": str(out), "tx_id": tx_id(tx).hex(), "lei": action.lei, "valid_until": until}
    if as_json:
        print_json(found)
    else:
        pairs("Application", found)
        typer.echo(f"A member hands it in: dcn governance submit {out} --home THEIR_HOME")


@app.command()
def submit(
    home: HomeOption,
    file: Annotated[Path, typer.Argument(help="A signed transaction, e.g. an application.")],
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Hand a transaction that somebody else has signed to this home's node."""
    from ledger.transactions import decode_transaction
    from node.cli.client import Client
    from node.cli.sending import send, tell

    tx = decode_transaction(read_bytes(file))
    tell(send(Client(home), tx, timeout), as_json, str(file))


# -------------------------------------------------------------------- proposals
@proposing.command()
def admit(
    home: HomeOption,
    lei: LeiArgument,
    power: Annotated[int, typer.Option(help="Voting power; 0: it does not validate.")] = 0,
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Admit an applicant as a member."""
    from ledger.objects import AdmitMember

    _propose(home, AdmitMember(_lei(lei), power), reason, timeout, as_json)


@proposing.command()
def power(
    home: HomeOption,
    lei: LeiArgument,
    power: Annotated[int, typer.Argument(help="Voting power; 0 takes it out of the set.")],
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Change a validator's voting power."""
    from ledger.objects import SetPower

    _propose(home, SetPower(_lei(lei), power), reason, timeout, as_json)


@proposing.command()
def suspend(
    home: HomeOption,
    lei: LeiArgument,
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Suspend a member: it starts no transaction and does not validate."""
    from ledger.objects import SuspendMember

    _propose(home, SuspendMember(_lei(lei)), reason, timeout, as_json)


@proposing.command()
def reinstate(
    home: HomeOption,
    lei: LeiArgument,
    power: Annotated[int, typer.Option(help="Voting power it gets back.")] = 0,
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Reinstate a suspended member."""
    from ledger.objects import ReinstateMember

    _propose(home, ReinstateMember(_lei(lei), power), reason, timeout, as_json)


@proposing.command()
def calendar(
    home: HomeOption,
    dates: Annotated[list[int], typer.Argument(help="Business dates, yyyymmdd, ascending.")],
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Add business dates after the last one of the calendar, which must not run out."""
    from ledger.objects import ExtendCalendar
    from wire import ids

    body = ExtendCalendar(tuple(ids.date(date) for date in dates))
    _propose(home, body, reason, timeout, as_json)


@proposing.command("list")
def list_something(
    home: HomeOption,
    file: Annotated[
        Path, typer.Argument(help="TOML with one of [asset], [feed] and [instrument].")
    ],
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """List an asset, a feed or an instrument, written as in the description of a genesis.

    An instrument names its `price_scale`, which is the scale of its feed.
    """
    from node.cli.client import Client
    from node.compose import listed

    book = Client(home).get("/v1/rulebook")["rulebook"]
    body = listed(read_text(file), book["currency"], book["service"])
    _propose(home, body, reason, timeout, as_json)


@proposing.command("recover-key")
def recover_key(
    home: HomeOption,
    lei: LeiArgument,
    role: Annotated[str, typer.Argument(help="trade, treasury, governance, oracle or peer.")],
    public_key: Annotated[str, typer.Argument(help="The new public key, in hex.")],
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Give a member that has lost its key a new one."""
    from ledger.objects import KeyRole, RecoverKey

    if role.upper() not in KeyRole.__members__:
        raise UsageWrong(f"{role[:20]!r} is no key role")
    try:
        key = bytes.fromhex(public_key)
    except ValueError:
        raise UsageWrong("the key is not hex") from None
    body = RecoverKey(_lei(lei), KeyRole[role.upper()], key)
    _propose(home, body, reason, timeout, as_json)


@proposing.command()
def rulebook(
    home: HomeOption,
    file: Annotated[Path, typer.Argument(help="TOML with the parameters that change.")],
    reason: ReasonOption = "",
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Amend the rulebook: the file names what changes, all else stays as it is in force."""
    from ledger.objects import AmendRulebook
    from node.cli.client import Client
    from node.rulebook_form import amended_rulebook

    current = Client(home).get("/v1/rulebook")["rulebook"]
    body = AmendRulebook(amended_rulebook(current, read_text(file)))
    _propose(home, body, reason, timeout, as_json)


def _propose(home: Path, body: "ProposalBody", reason: str, timeout: float, as_json: bool) -> None:
    from ledger.actions import Propose
    from node.cli.client import Client
    from node.cli.sending import own_key, send, signed_action, tell

    client = Client(home)
    action = Propose(_lei(client.lei), body, reason)
    tx = signed_action(client, action, own_key(home, "governance"))
    found: dict[str, Any] = send(client, tx, timeout)
    if found["status"] == "decided":
        opened = client.items("/v1/proposals")
        mine = [x["number"] for x in opened if x["opened"] == found["height"]]
        found["proposal"] = mine[0] if mine else None
    tell(found, as_json, f"Proposal: {type(body).__name__}")


def _lei(text: str) -> Any:
    from wire import ids

    return ids.lei(text)
