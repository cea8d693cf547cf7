"""`dcn recover`: go on after a third or more of the voting power is gone for good."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import Exit, FileUnusable, UsageWrong, pairs, print_json, write_file

if TYPE_CHECKING:
    from ledger.recovery import Recovery, SignedRecovery
    from node.core.chain import Tip
    from node.recoveries import Entry
    from wire.signing import SigningKey

app = typer.Typer(
    no_args_is_help=True,
    help="Go on after validators with a third or more of the power are gone for good, keys and "
    "all. In this order: stop every surviving node; `where` on each; `draft` on the one with the "
    "highest block; `sign` by more than two thirds of the members; `show` to compare; `apply` on "
    "every node; start them. docs/RECOVERY.md is the drill.",
)

FileArgument = Annotated[Path, typer.Argument(help="The recovery file.")]
SignerHomeOption = Annotated[
    Path | None, typer.Option("--signer-home", help="Of a signer in a process of its own.")
]


@app.command()
def where(
    home: HomeOption, signer_home: SignerHomeOption = None, as_json: JsonOption = False
) -> None:
    """Where this home stands: the highest block it has, and the last round it has signed after it.

    Run it on every surviving home, with the node stopped, and compare: the draft is made on a home
    with the HIGHEST height, and its round lies above EVERY round shown by a home of that height.
    """
    from node.home import Home
    from node.lock import HomeLock
    from node.recoveries import last_round_signed

    place = Home(home)
    with HomeLock(place.lock):
        tip = _tip(place)
        state = None if signer_home is None else signer_home / "signer.state"
        signed = last_round_signed(place, state, tip.height + 1)
    found = {
        "height": tip.height,
        "block_id": tip.block_id.hex(),
        "last_round_signed_after_it": signed,
        "round_to_use_at_least": 1 if signed is None else signed + 1,
    }
    _show(f"Where {home} stands", found, as_json)


@app.command("new-key")
def new_key(
    home: HomeOption,
    out: Annotated[Path, typer.Option("--out", help="Where the public keys go: the KEYSFILE.")],
    as_json: JsonOption = False,
) -> None:
    """Give a home a new consensus key and seed chain, for a validator whose signer state is lost.

    The old key is kept nowhere but in backups, and votes no more: do this only for a home that the
    recovery names with the file written here. The node must not run. All other keys stay.
    """
    from node.cli.output import json_bytes
    from node.home import Home
    from node.identity import as_json as shown
    from node.identity import public_keys_of
    from node.lock import HomeLock
    from node.rotation import adopt, next_key

    place = Home(home)
    with HomeLock(place.lock):
        # The old key, which may be of the validators still, is lost: nobody waits for its vote.
        adopt(place, {next_key(place, "consensus").key.public}, ())
        found = shown(public_keys_of(place))
    write_file(out, json_bytes(found))
    _show(f"Public keys of {found['lei']}", found, as_json)


@app.command()
def draft(
    home: HomeOption,
    validator: Annotated[
        list[str], typer.Option(help="LEI[:POWER[:KEYSFILE]]; once for each validator.")
    ],
    first_round: Annotated[
        int, typer.Option("--round", help="Above every round a survivor has signed: `where`.")
    ],
    reason: Annotated[str, typer.Option(help="What happened, for the record.")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    signer_home: SignerHomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the recovery that continues from this home's highest block; nobody has signed it yet.

    A validator keeps its power, key and seed chain from the ledger unless they are named: KEYSFILE
    is `dcn keys show --json` of a home with a NEW consensus key, for a member whose key or signer
    state is lost. The node must not run. Whatever block only the lost validators held is lost.
    """
    from ledger.recovery import SignedRecovery
    from node.home import Home
    from node.lock import HomeLock
    from node.recoveries import draft as drafted
    from node.recoveries import last_round_signed, recovery_bytes

    if out.exists():
        raise FileUnusable(f"{out} exists already")
    entries = [_entry(text) for text in validator]
    place = Home(home)
    with HomeLock(place.lock):
        tip = _tip(place)
        state = None if signer_home is None else signer_home / "signer.state"
        signed = last_round_signed(place, state, tip.height + 1)
        if signed is not None and first_round <= signed:
            raise UsageWrong(f"this home has signed in round {signed}: --round must be above it")
        recovery = drafted(tip, entries, first_round, reason)
    write_file(out, recovery_bytes(SignedRecovery(recovery, ())))
    _show(f"Drafted {out}", described(recovery), as_json)
    if not as_json:
        typer.echo("Before anybody signs: has every survivor run `dcn recover where`, is no height")
        typer.echo(f"above {tip.height}, and no round at that height {first_round} or above?")


@app.command()
def sign(
    file: FileArgument,
    home: Annotated[
        Path | None, typer.Option("--home", envvar="DCN_HOME", help="Sign with its governance key.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="keys.json of a lost home, or a governance key in hex, from a backup."),
    ] = None,
    add: Annotated[
        list[Path] | None, typer.Option(help="Take over the signatures of another copy.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a member's signature to the file, or the signatures of other copies.

    What is signed: the height and block the chain continues from, the validators, the round and
    the reason; read them with `dcn recover show` first. A member signs ONE recovery of a height.
    """
    from ledger.recovery import signed
    from node.recoveries import merged, read_recovery, recovery_bytes

    if home is None and key is None and not add:
        raise UsageWrong("with what: --home, --key or --add")
    found = read_recovery(file).value
    found = merged(found, [read_recovery(path).value for path in add or ()])
    if key is not None:
        found = signed(found, _backup_key(key))
    elif home is not None:
        from node.home import Home

        found = signed(found, Home(home).keys().signing("governance"))
    write_file(file, recovery_bytes(found))
    _show(f"Signed {file}", _with_keys(found), as_json)


@app.command()
def show(
    file: FileArgument,
    home: Annotated[
        Path | None, typer.Option("--home", envvar="DCN_HOME", help="Judge it by this home.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """What a recovery says; with a home, who has signed, who has not, and whether it would hold.

    Exit code 1 if it does not fit the home's chain or too few members have signed. Compare the
    digest by telephone: the same digest is the same recovery, whoever has signed which copy.
    """
    from node.home import Home
    from node.recoveries import read_recovery

    found = read_recovery(file).value
    shown = _with_keys(found)
    good = True
    if home is not None:
        judged = _judged(found, _tip(Home(home)))
        good = not judged["fault"]
        shown = {**shown, **judged}
    _show(f"{file}", shown, as_json)
    raise SystemExit(int(Exit.OK if good else Exit.VERDICT))


@app.command()
def apply(file: FileArgument, home: HomeOption, as_json: JsonOption = False) -> None:
    """Agree to a recovery: the home's node takes part in it from its next start on.

    Every operator does this for every node, observers too: without it a node stops at the height
    and says which recovery it needs. The node must not run. A node that is behind takes the file
    as well and reaches the height by itself. The file goes to `recoveries/` of the home and stays
    there for ever: who syncs from the beginning needs it.
    """
    from ledger.rejections import BadRecovery
    from node.admin_log import record
    from node.home import Home
    from node.lock import HomeLock
    from node.recoveries import agree, read_recovery

    found = read_recovery(file).value
    place = Home(home)
    with HomeLock(place.lock):
        tip = _tip(place)
        if found.recovery.height <= tip.height and (fault := _judged(found, tip)["fault"]):
            raise BadRecovery(fault)
        if found.recovery.chain_id != tip.chain_id:
            raise BadRecovery(f"is for {found.recovery.chain_id}, this is {tip.chain_id}")
        path = agree(place, found)
        record(place.data, "recover apply", file=str(path))
    shown = {"file": str(path), "height": found.recovery.height, "node_is_at": tip.height}
    _show("The node takes part from its next start on", shown, as_json)


def described(recovery: "Recovery") -> dict[str, Any]:
    """A recovery as people and machines read it."""
    from wire.codec import digest_of

    return {
        "digest": digest_of(recovery).hex(),
        "chain_id": recovery.chain_id,
        "height": recovery.height,
        "block_id": recovery.block_id.hex(),
        "round": recovery.round,
        "reason": recovery.reason,
        "validators": [
            {"lei": entry.lei, "power": entry.power, "consensus_key": entry.consensus_key.hex()}
            for entry in recovery.validators
        ],
    }


def _with_keys(found: "SignedRecovery") -> dict[str, Any]:
    return {**described(found.recovery), "signed_by": [x.key.hex() for x in found.signatures]}


def _judged(found: "SignedRecovery", tip: "Tip") -> dict[str, Any]:
    """Who has signed by a home's ledger, and what is wrong with it (empty: nothing)."""
    from ledger import recovery as rules
    from ledger.rejections import BadRecovery

    fault = ""
    signed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    try:
        support = rules.support(tip.state, found)
        signed, missing = support.signed, support.missing
        rules.check(tip.state, found)
    except BadRecovery as error:
        fault = error.detail
    return {"members_signed": list(signed), "members_missing": list(missing), "fault": fault}


def _tip(home: Any) -> "Tip":
    from node.stored import stored_tip

    return asyncio.run(stored_tip(home))


def _entry(text: str) -> "Entry":
    from node.recoveries import Entry
    from wire import ids

    parts = text.split(":", 2)
    try:
        power = int(parts[1]) if len(parts) > 1 and parts[1] else None
    except ValueError:
        raise UsageWrong(f"{text[:60]!r}: the power is no number") from None
    return Entry(ids.lei(parts[0]), power, Path(parts[2]) if len(parts) > 2 else None)


def _backup_key(path: Path) -> "SigningKey":
    """The governance key of a backed-up keys.json, or of a file with 32 bytes in hex."""
    import json

    from node.cli.output import read_text
    from wire.signing import SigningKey

    text = read_text(path).strip()
    try:
        seed = bytes.fromhex(json.loads(text)["governance"] if text.startswith("{") else text)
    except (ValueError, KeyError, TypeError):
        seed = b""
    if len(seed) != 32:
        raise FileUnusable(f"{path} holds no governance key")
    return SigningKey(seed)


def _show(title: str, content: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(content)
    else:
        pairs(title, content)
