"""A run that a person can read: height by height, round by round, who said and did what."""

from collections.abc import Iterator

from consensus.messages import Proposal, Vote
from node.blocks import accusation as told
from simulator.faults import described
from simulator.record import RunRecord, Violation


def trace(record: RunRecord, violations: list[Violation]) -> str:
    """The whole run as text."""
    names = _short_names(record)
    members = ", ".join(
        f"{names[name]} power {power}"
        for name, power in zip(names, record.plan.powers, strict=False)
    )
    lines = [f"chain {record.genesis.chain_id}: {members}", "", "Faults"]
    lines += [f"  {n}: {described(fault)}" for n, fault in enumerate(record.plan.faults)]
    lines += ["", "Violations"] + [f"  {v.checker}: {_named(v.detail, names)}" for v in violations]
    lines += ["", "Events (milliseconds from the beginning)"]
    events = sorted(_events(record, names), key=lambda event: event[0])
    place: tuple[int, int] | None = None
    for at_ms, where, text in events:
        if where is not None and where != place:
            place = where
            lines.append(f"height {where[0]} round {where[1]}")
        lines.append(f"  {at_ms - record.genesis.time_ms:>8}  {_named(text, names)}")
    return "\n".join(lines) + "\n"


def _short_names(record: RunRecord) -> dict[str, str]:
    """n0, n1 ... as faults number them; the copy of a twin has a prime."""
    plain = [name for name in record.disks if not name.endswith("'")]
    numbers = {name: f"n{number}" for number, name in enumerate(plain)}
    twins = {name: f"{numbers[name[:-1]]}'" for name in record.disks if name.endswith("'")}
    return {**numbers, **twins}


def _named(text: str, names: dict[str, str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    return text


def _events(
    record: RunRecord, names: dict[str, str]
) -> Iterator[tuple[int, tuple[int, int] | None, str]]:
    """(time, height and round if it is about one, text)."""
    for one in record.journal.signatures:
        message = one.message
        yield one.at_ms, (message.height, message.round), f"{one.node} {_said(message)}"
    for decision in record.journal.decisions:
        block, commit = decision.decided.block, decision.decided.commit
        text = f"{decision.node} stores block {block.header.height}, decided in round "
        ident = commit.block_id
        assert ident is not None
        yield decision.at_ms, None, f"{text}{commit.round}: {ident.hex()[:8]}"
    for remark in record.journal.remarks:
        who = f"{remark.node} " if remark.node else ""
        yield remark.at_ms, None, f"{who}{remark.event} {remark.detail}".rstrip()
    for accusation in record.journal.accusations:
        said = told(accusation.piece)
        guilty = record.keys.get(said.consensus_key, said.consensus_key.hex()[:8])
        text = f"{accusation.node} has evidence against {guilty}: {said.kind.name}"
        yield accusation.at_ms, None, f"{text} at height {said.height}"


def _said(message: Vote | Proposal) -> str:
    ident = "nil" if message.block_id is None else message.block_id.hex()[:8]
    if isinstance(message, Proposal):
        again = "" if message.valid_round < 0 else f" again, valid in round {message.valid_round}"
        return f"proposes {ident}{again}"
    return f"{message.kind.name.lower()}s {ident}"
