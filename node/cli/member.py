"""`dcn member`: leaving, client accounts, and what attestors say of others."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.actions import Action
    from wire.ids import Lei

app = typer.Typer(
    no_args_is_help=True,
    help="Resign and exit; open and close client accounts; attest and revoke (attestors, the "
    "authority). Each is signed with the home's governance key and waits for its block.",
)

TimeoutOption = Annotated[float, typer.Option(help="Seconds to wait for the block.")]
LeiArgument = Annotated[str, typer.Argument(help="LEI of the member that this is about.")]
FileArgument = Annotated[
    Path, typer.Argument(help="The file: it stays here, the ledger gets its SHA-256.")
]
ReferenceArgument = Annotated[str, typer.Argument(help="1 to 16 of [0-9A-Z].")]


@app.command()
def resign(home: HomeOption, timeout: TimeoutOption = 15, as_json: JsonOption = False) -> None:
    """Begin to leave: no new trades, no votes, out of the validator set; duties go on.

    The cooling-off of the rulebook must pass, and nothing may be open, before `dcn member exit`.
    """
    from ledger.actions import Resign

    _send(home, Resign, timeout, as_json, "Resignation")


@app.command()
def stay(home: HomeOption, timeout: TimeoutOption = 15, as_json: JsonOption = False) -> None:
    """Withdraw a resignation; power as a validator comes back by a vote only."""
    from ledger.actions import WithdrawResignation

    _send(home, WithdrawResignation, timeout, as_json, "Resignation withdrawn")


@app.command("exit")
def exit_(home: HomeOption, timeout: TimeoutOption = 15, as_json: JsonOption = False) -> None:
    """Leave for good. What is still open is named in the refusal, each with its number."""
    from ledger.actions import Exit

    _send(home, Exit, timeout, as_json, "Exit")


@app.command("open-client")
def open_client(
    home: HomeOption,
    reference: ReferenceArgument,
    name: Annotated[str, typer.Argument(help="Who the client is; the ledger gets the SHA-256.")],
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Open a client account: the party `LEI:REFERENCE`, apart from the house."""
    from ledger.actions import OpenClientAccount

    digest = hashlib.sha256(name.encode()).digest()
    title = f"Client account {reference}"
    _send(home, lambda lei: OpenClientAccount(lei, reference, digest), timeout, as_json, title)


@app.command("close-client")
def close_client(
    home: HomeOption,
    reference: ReferenceArgument,
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Close a client account in which nothing is left."""
    from ledger.actions import CloseClientAccount

    title = f"Client account {reference} closed"
    _send(home, lambda lei: CloseClientAccount(lei, reference), timeout, as_json, title)


@app.command()
def attest(
    home: HomeOption,
    member: LeiArgument,
    file: FileArgument,
    expires: Annotated[int, typer.Argument(help="Last business date it is good for, yyyymmdd.")],
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Vouch for a member until a date; takes back one's own revocation, if there is one.

    Of an attestor it lengthens what is in force, never shortens it: that takes the authority.
    """
    from ledger.actions import AttestKyc
    from wire import ids

    lei, date, digest = ids.lei(member), ids.date(expires), _digest(file)
    title = f"Attestation of {member}"
    _send(home, lambda me: AttestKyc(me, lei, digest, date), timeout, as_json, title)


@app.command()
def revoke(
    home: HomeOption,
    member: LeiArgument,
    file: FileArgument,
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """Object to a member. Two attestors of different groups block it, or the authority alone."""
    from ledger.actions import RevokeKyc
    from wire import ids

    lei, digest = ids.lei(member), _digest(file)
    title = f"Revocation of {member}"
    _send(home, lambda me: RevokeKyc(me, lei, digest), timeout, as_json, title)


@app.command("attest-capital")
def attest_capital(
    home: HomeOption,
    member: LeiArgument,
    file: FileArgument,
    amount: Annotated[int, typer.Argument(help="In minor units of the rulebook's currency.")],
    as_of: Annotated[int, typer.Argument(help="The date it was found on, yyyymmdd.")],
    timeout: TimeoutOption = 15,
    as_json: JsonOption = False,
) -> None:
    """State what capital a member has; admission asks for it."""
    from ledger.actions import AttestCapital
    from wire import ids

    lei, date, digest = ids.lei(member), ids.date(as_of), _digest(file)
    title = f"Capital of {member}"
    _send(home, lambda me: AttestCapital(me, lei, amount, digest, date), timeout, as_json, title)


def _digest(file: Path) -> bytes:
    return hashlib.sha256(read_bytes(file)).digest()


def _send(
    home: Path, make: "Callable[[Lei], Action]", timeout: float, as_json: bool, title: str
) -> None:
    from node.cli.client import Client
    from node.cli.sending import own_key, send, signed_action, tell
    from wire import ids

    client = Client(home)
    tx = signed_action(client, make(ids.lei(client.lei)), own_key(home, "governance"))
    tell(send(client, tx, timeout), as_json, title)
