"""Checkers stand apart from what they check: they read disks and the journal, never a core."""

from collections.abc import Callable
from typing import Final

from consensus.errors import BadCertificate
from consensus.messages import sign_bytes, step_of
from consensus.verification import verify_commit
from ledger.transactions import tx_id
from node.blocks import accusation
from simulator.accountability import check_accountability, unreported
from simulator.conduct import check_conduct
from simulator.record import Replay, RunRecord, Violation, ident_of, is_owed
from wire.errors import BadSignature


def check_agreement(record: RunRecord, _replay: Replay) -> list[Violation]:
    """No two correct nodes have ever decided different blocks at one height."""
    found: list[Violation] = []
    first: dict[int, tuple[str, bytes]] = {}
    for decision in record.journal.decisions:
        if decision.node not in record.correct:
            continue
        height, ident = decision.decided.block.header.height, ident_of(decision.decided)
        other, known = first.setdefault(height, (decision.node, ident))
        if known != ident:
            found.append(
                Violation("agreement", f"height {height}: {other} and {decision.node} differ")
            )
    return found


def check_validity(record: RunRecord, replay: Replay) -> list[Violation]:
    """Every block follows its parent, and holds only what users have submitted."""
    found = [Violation("validity", replay.refused)] if replay.refused else []
    for height, decided in record.chain().items():
        foreign = [
            tx for tx in decided.block.transactions if tx_id(tx) not in record.journal.submitted
        ]
        if foreign:
            found.append(Violation("validity", f"height {height}: {len(foreign)} not submitted"))
    return found


def check_roots(record: RunRecord, replay: Replay) -> list[Violation]:
    """The state on every disk is the one that the chain leads to."""
    found: list[Violation] = []
    for name in record.correct:
        tip = record.disks[name].tip
        if tip.height < len(replay.tips) and tip.state.root != replay.tips[tip.height].state.root:
            found.append(Violation("roots", f"{name} at height {tip.height}"))
    return found


def check_commits(record: RunRecord, replay: Replay) -> list[Violation]:
    """Every block on a disk has a commit by a quorum of the height's validators."""
    found: list[Violation] = []
    verified: dict[tuple[bytes, object], None] = {}
    for name in record.correct:
        for decided in record.disks[name].blocks:
            height, ident = decided.block.header.height, ident_of(decided)
            if (ident, decided.commit) in verified:
                continue
            validators = replay.validators(height)
            try:
                verify_commit(record.genesis.chain_id, decided.commit, validators, height, ident)
                verified[ident, decided.commit] = None
            except (BadCertificate, BadSignature) as error:
                found.append(Violation("commits", f"{name} height {height}: {error}"))
    return found


def check_time(record: RunRecord, replay: Replay) -> list[Violation]:
    """Block time increases; it is the weighted median of the parent's commit, and so lies within
    the clocks of correct validators."""
    found: list[Violation] = []
    chain = record.chain()
    trusted = [key for key, name in record.keys.items() if name not in record.wrong_clocks]
    for height in range(2, len(replay.tips)):
        header, commit = chain[height].block.header, chain[height].block.last_commit
        if header.time_ms <= chain[height - 1].block.header.time_ms:
            found.append(Violation("time", f"height {height}: not after its parent"))
        assert commit is not None
        powers = replay.validators(height - 1).powers
        line = sorted(
            time
            for entry in commit.signatures
            for time in [entry.time_ms] * powers[entry.validator]
        )
        if header.time_ms != line[(len(line) - 1) // 2]:
            found.append(Violation("time", f"height {height}: not the median of the commit"))
        clocks = [entry.time_ms for entry in commit.signatures if entry.validator in trusted]
        if not min(clocks) <= header.time_ms <= max(clocks):
            found.append(Violation("time", f"height {height}: no correct clock shows it"))
    return found


def check_single_signatures(record: RunRecord, _replay: Replay) -> list[Violation]:
    """No correct validator has ever signed two things at one place, restarts and all."""
    found: list[Violation] = []
    first: dict[tuple[str, int, int, int], bytes] = {}
    for one in record.journal.signatures:
        if one.node not in record.correct:
            continue
        step = step_of(one.message)
        place = (one.node, one.message.height, one.message.round, int(step))
        said = sign_bytes(record.genesis.chain_id, one.message)
        if first.setdefault(place, said) != said:
            where = f"height {one.message.height} round {one.message.round} {step.name.lower()}"
            found.append(Violation("double signature", f"{one.node} at {where}"))
    return found


def check_accusations(record: RunRecord, _replay: Replay) -> list[Violation]:
    """Contradictions are reported, in one life once, and nobody correct is accused or punished."""
    found = [Violation("evidence", text) for text in unreported(record)]
    found += [
        Violation("faults", f"{x.node} blames {x.peer}, which is correct: {x.text}")
        for x in record.journal.punishments
        if x.node in record.correct and x.peer in record.correct
    ]
    starts = [(x.at_ms, x.node) for x in record.journal.remarks if x.event == "started"]
    told: dict[tuple[str, int, bytes, int], None] = {}
    for one in record.journal.accusations:
        said = accusation(one.piece)
        if one.node not in record.correct:
            continue
        if said.consensus_key in record.keys:
            found.append(Violation("evidence", f"{one.node} accuses a correct validator"))
        life = sum(node == one.node and at_ms <= one.at_ms for at_ms, node in starts)
        place = (one.node, life, said.consensus_key, said.height)
        if place in told:
            found.append(Violation("evidence", f"{one.node} reports the same thing twice"))
        told[place] = None
    return found


def check_remarks(record: RunRecord, _replay: Replay) -> list[Violation]:
    """What a correct node's log must never say, unless it has lost something of its disk."""
    unhappy = ("following_only", "decided_without_block", "sign_refused")
    found: list[Violation] = []
    for remark in record.journal.remarks:
        if remark.node not in record.correct:
            continue
        if remark.event == "message_refused":
            found.append(Violation("faults", f"{remark.node} sends what is refused"))
        if remark.event in unhappy and remark.node not in record.robbed:
            found.append(Violation("log", f"{remark.node}: {remark.event} {remark.detail}"))
    return found


def check_accepted(record: RunRecord, replay: Replay) -> list[Violation]:
    """What a node has accepted is decided, or can no more be."""
    chain = record.chain()
    decided = {tx_id(tx) for one in chain.values() for tx in one.block.transactions}
    return [
        Violation("accepted", f"{one.node}: {ident.hex()[:16]} is lost")
        for ident, one in record.journal.accepted.items()
        if one.node in record.correct and ident not in decided and is_owed(replay.tips[-1], one.tx)
    ]


def check_memory(record: RunRecord, _replay: Replay) -> list[Violation]:
    """Nothing that a node holds ever grew past its bound."""
    return [Violation("memory", text) for text in record.journal.overgrown]


def check_guilt(record: RunRecord, replay: Replay) -> list[Violation]:
    """After two decisions at one height, more than a third is proved guilty, nobody correct is."""
    return [Violation("accountability", text) for text in check_accountability(record, replay)]


def check_rules(record: RunRecord, replay: Replay) -> list[Violation]:
    """Every message that a correct validator signed is what the algorithm asks of it."""
    return [Violation("conduct", text) for text in check_conduct(record, replay)]


CHECKERS: Final[tuple[Callable[[RunRecord, Replay], list[Violation]], ...]] = (
    check_agreement, check_validity, check_roots, check_commits, check_time,
    check_single_signatures, check_accusations, check_remarks, check_accepted, check_memory,
    check_guilt, check_rules,
)  # fmt: skip


def check_all(record: RunRecord) -> list[Violation]:
    """Every checker."""
    replay = Replay(record)
    return [violation for check in CHECKERS for violation in check(record, replay)]


def check_fork(record: RunRecord) -> list[Violation]:
    """What still holds when more than a third lies: a fork is seen, and its makers are named."""
    replay = Replay(record)
    checkers = (check_agreement, check_single_signatures, check_guilt)
    return [violation for check in checkers for violation in check(record, replay)]
