"""Each checker, shown what must never be: a good run with one thing made wrong afterwards."""

from collections.abc import Callable

import msgspec
import pytest

from consensus.messages import Certificate, Equivocation, Vote, VoteKind, certificate_of
from consensus.validators import Validator, ValidatorSet
from ledger.actions import Mint
from ledger.state import State
from ledger.transactions import signed, tx_id, unsigned
from node.blocks import DecidedBlock
from node.founding import CURRENCY
from simulator.accountability import guilty
from simulator.checkers import check_all
from simulator.faults import Options
from simulator.journal import Accepted, Accusation, Decision, Punishment
from simulator.network import SimulatedNetwork
from simulator.record import RunRecord
from simulator.scenario import CHAIN_LINKS
from tests.simulation.test_networks import founded

replace = msgspec.structs.replace


def run() -> RunRecord:
    made = SimulatedNetwork(founded(4), Options(seed=1), CHAIN_LINKS)
    made.start()
    assert made.run(lambda: min(made.heights()) >= 4)
    return made.record()


def _forged(decided: DecidedBlock) -> DecidedBlock:
    header = replace(decided.block.header, time_ms=decided.block.header.time_ms + 7)
    return DecidedBlock(replace(decided.block, header=header), decided.commit)


def another_block(record: RunRecord) -> None:
    last = record.journal.decisions[-1]
    record.journal.decisions.append(Decision(0, record.correct[0], _forged(last.decided)))


def a_later_block_first(record: RunRecord) -> None:
    first = record.journal.decisions[0]
    record.journal.decisions[0] = Decision(0, first.node, _forged(first.decided))


def another_state(record: RunRecord) -> None:
    disk = record.disks[record.correct[0]]
    disk.tip = replace(disk.tip, state=State.empty())


def half_a_commit(record: RunRecord) -> None:
    blocks = record.disks[record.correct[0]].blocks
    commit = replace(blocks[1].commit, signatures=blocks[1].commit.signatures[:2])
    blocks[1] = DecidedBlock(blocks[1].block, commit)


def two_votes(record: RunRecord) -> None:
    one = next(x for x in record.journal.signatures if isinstance(x.message, Vote))
    other = replace(one, message=replace(one.message, block_id=bytes(32)))
    record.journal.signatures.append(other)


def a_correct_one_blamed(record: RunRecord) -> None:
    record.journal.punishments.append(Punishment(*record.correct[:2], "for nothing"))


def something_lost(record: RunRecord) -> None:
    issuer = founded(4).issuer
    mint = unsigned("sim-test", Mint(CURRENCY, issuer.lei, 5, "R"), nonce=9, valid_until=900)
    tx = signed(mint, issuer.key("treasury"))
    record.journal.accepted[tx_id(tx)] = Accepted(record.correct[0], tx)


def a_silent_log(record: RunRecord) -> None:
    """Nothing was flushed before it was signed: what was signed follows from nothing."""
    record.disks[record.correct[0]].archive.clear()


def too_much_held(record: RunRecord) -> None:
    record.journal.overgrown.append("a node holds too much")


@pytest.mark.parametrize(
    ("spoil", "checker"),
    [
        (another_block, "agreement"),
        (a_later_block_first, "validity"),
        (another_state, "roots"),
        (half_a_commit, "commits"),
        (two_votes, "double signature"),
        (a_correct_one_blamed, "faults"),
        (something_lost, "accepted"),
        (a_silent_log, "conduct"),
        (too_much_held, "memory"),
    ],
)
def test_what_must_never_be_is_seen(spoil: Callable[[RunRecord], None], checker: str) -> None:
    record = run()
    assert check_all(record) == []
    spoil(record)
    assert checker in [violation.checker for violation in check_all(record)]


# -------------------------------------------------------------------- who is to blame
KEYS = [bytes([n]) * 32 for n in range(1, 5)]
FOUR = ValidatorSet(Validator(key, 1) for key in KEYS)
X, Y = b"x" * 32, b"y" * 32


def votes(kind: VoteKind, round_: int, block: bytes, who: str) -> list[Vote]:
    return [Vote(kind, 1, round_, block, 5, KEYS["abcd".index(name)], bytes(64)) for name in who]


def commit(round_: int, block: bytes, who: str) -> Certificate:
    return certificate_of(votes(VoteKind.PRECOMMIT, round_, block, who))


def blamed(*said: list[Vote], commits: list[Certificate]) -> dict[str, str]:
    found = guilty([vote for part in said for vote in part], commits, FOUR)
    return {"abcd"[KEYS.index(key)]: why for key, why in found.items()}


def test_two_commits_in_one_round_are_made_by_equivocators() -> None:
    first, second = commit(0, X, "abc"), commit(0, Y, "bcd")
    said = votes(VoteKind.PRECOMMIT, 0, X, "abc") + votes(VoteKind.PRECOMMIT, 0, Y, "bcd")
    assert blamed(said, commits=[first, second]) == {"b": "equivocation", "c": "equivocation"}


def test_who_forgot_its_lock_is_named_and_who_was_not_locked_is_not() -> None:
    prevotes = votes(VoteKind.PREVOTE, 2, Y, "bcd")
    later = votes(VoteKind.PRECOMMIT, 2, Y, "bcd")
    commits = [commit(0, X, "abc"), commit(2, Y, "bcd")]
    assert blamed(prevotes, later, commits=commits) == {"b": "amnesia", "c": "amnesia"}


def test_who_followed_a_polka_that_others_made_is_not_named() -> None:
    """b and c forget in round 1; a, locked on X too, may then prevote Y in round 2."""
    first = votes(VoteKind.PREVOTE, 1, Y, "bcd")
    second = votes(VoteKind.PREVOTE, 2, Y, "abcd")
    commits = [commit(0, X, "abc"), commit(2, Y, "abd")]
    assert blamed(first, second, commits=commits) == {"b": "amnesia", "c": "amnesia"}


def test_accusing_a_correct_validator_is_a_violation() -> None:
    record = run()
    (name, *_), key = record.correct, next(iter(record.keys))
    pair = [Vote(VoteKind.PREVOTE, 2, 0, block, 5, key, bytes(64)) for block in (X, Y)]
    record.journal.accusations.append(Accusation(0, name, Equivocation(*pair)))
    assert "evidence" in [violation.checker for violation in check_all(record)]
