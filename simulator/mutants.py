"""Deliberate defects, one at a time: each must be found, or the checkers and scenarios are weak.

A defect is put into the running code while a network plays, and taken out before the checkers look
at what is left. Nothing of it is in the code that ships.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import msgspec

import consensus.book
import consensus.rules
import ledger.validators
import node.blocks
import node.core.chain
import node.core.core
import node.core.deciding
import node.core.evidence
import node.core.height
import node.wal
import simulator.node
from consensus import rotation
from consensus.core import Core
from consensus.inputs import TimeoutElapsed
from consensus.messages import NO_ROUND, Certificate, Step, Vote
from consensus.process import Process
from consensus.rules import Rule
from consensus.tally import RoundLog, Tally
from consensus.validators import ValidatorSet
from node.core import effects as e
from node.core.chain import Tip
from node.core.core import NodeCore
from node.core.height import HeightRun
from node.core.voting import Voting
from node.messages import ProposalMessage

Patch = tuple[Any, str, Any]
"""Object, attribute, what is put in its place."""


class Mutant(msgspec.Struct, frozen=True):
    """One defect."""

    name: str
    where: str
    what: str
    patches: Callable[[], list[Patch]]


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """While it lasts, the running code has the defect."""
    with ExitStack() as stack:
        for place, name, changed in mutant.patches():
            stack.callback(setattr, place, name, vars(place)[name])
            setattr(place, name, changed)
        yield


# -------------------------------------------------------------------- consensus
def _rule(old: Rule, make: Callable[[Rule], Rule]) -> list[Patch]:
    """One rule of the algorithm changed."""
    rules = consensus.rules.RULES
    return [(consensus.rules, "RULES", tuple(make(r) if r is old else r for r in rules))]


def _unlock(process: Process) -> None:
    process.locked_value, process.locked_round = None, NO_ROUND


def _then_unlock(rule: Rule) -> Rule:
    def changed(process: Process) -> bool:
        fired = rule(process)
        if fired:
            _unlock(process)
        return fired

    return changed


def _valid_in_prevote_only(rule: Rule) -> Rule:
    def changed(process: Process) -> bool:
        before = process.valid_value, process.valid_round
        late = process.step is Step.PRECOMMIT
        fired = rule(process)
        if fired and late:
            process.valid_value, process.valid_round = before
        return fired

    return changed


def _lock_ignored(rule: Rule) -> Rule:
    def changed(process: Process) -> bool:
        kept = process.locked_value, process.locked_round
        _unlock(process)
        fired = rule(process)
        process.locked_value, process.locked_round = kept
        return fired

    return changed


def _no_polka_needed(rule: Rule) -> Rule:
    def changed(process: Process) -> bool:
        proposal = process.log.proposal
        if process.step is not Step.PROPOSE or proposal is None or proposal.valid_round < 0:
            return rule(process)
        if process.validity.get(proposal.block_id) is None:
            return False
        process.prevote(proposal.block_id if process.validity[proposal.block_id] else None)
        return True

    return changed


def _propose_anew() -> list[Patch]:
    start = Process.start_round

    def changed(process: Process, round_: int) -> None:
        kept = process.valid_value
        process.valid_value = None
        start(process, round_)
        process.valid_value = kept

    return [(Process, "start_round", changed)]


def _any_timeout() -> list[Patch]:
    def changed(core: Core, given: TimeoutElapsed) -> None:
        process = core.process
        if given.height != process.height or process.decision is not None:
            return
        process.timers.pop((given.step, given.round), None)
        if given.step is Step.PROPOSE and process.step is Step.PROPOSE:
            process.prevote(None)
        elif given.step is Step.PREVOTE and process.step is Step.PREVOTE:
            process.precommit(None)
        elif given.step is Step.PRECOMMIT:
            process.start_round(process.round + 1)

    return [(Core, "_on_timeout", changed)]


def _every_message_speaks() -> list[Patch]:
    def changed(log: RoundLog, validator: bytes, power: int) -> None:
        log.speakers[validator] = None
        log.speakers_power += power

    return [(RoundLog, "heard", changed)]


def _votes_counted_again() -> list[Patch]:
    add = Tally.add

    def changed(tally: Tally, vote: Vote) -> Vote | None:
        if vote.validator in tally.votes:
            power = tally._validators.powers[vote.validator]
            tally._power[vote.block_id] = tally._power.get(vote.block_id, 0) + power
            tally.power_any += power
        return add(tally, vote)

    return [(Tally, "add", changed), (Tally, "knows", lambda _tally, _vote: False)]


def _no_evidence() -> list[Patch]:
    count = consensus.book.Book._count

    def changed(book: consensus.book.Book, vote: Vote) -> None:
        count(book, vote)

    return [(consensus.book.Book, "_count", changed)]


def _turns_for_nothing() -> list[Patch]:
    def changed(old: rotation.Rotation) -> rotation.Rotation:
        turns = old.turns
        here = [turn.validator for turn in turns].index(old.proposer)
        return rotation.Rotation(turns, turns[(here + 1) % len(turns)].validator)

    return [(rotation, "advanced", changed), (node.core.chain, "advanced", changed)]


def _mean_time(commit: Certificate, _validators: ValidatorSet) -> int:
    return sum(entry.time_ms for entry in commit.signatures) // len(commit.signatures)


def _unweighted_time(commit: Certificate, _validators: ValidatorSet) -> int:
    times = sorted(entry.time_ms for entry in commit.signatures)
    return times[(len(times) - 1) // 2]


# -------------------------------------------------------------------- log and signer
def _log_after_sending() -> list[Patch]:
    handle = NodeCore.handle
    late: dict[int, list[e.WriteLog]] = {}

    def changed(core: NodeCore, given: Any) -> list[e.Effect]:
        effects = handle(core, given)
        held = late.setdefault(id(core), [])
        held += [effect for effect in effects if isinstance(effect, e.WriteLog)]
        rest: list[e.Effect] = [x for x in effects if not isinstance(x, e.WriteLog)]
        sends = [x.message for x in rest if isinstance(x, e.SendAll)]
        if any(isinstance(message, Vote | ProposalMessage) for message in sends):
            rest += held
            held.clear()
        return rest

    return [(NodeCore, "handle", changed)]


def _log_unread() -> list[Patch]:
    replay = HeightRun.replay
    return [(HeightRun, "replay", lambda run, _records, signing: replay(run, [], signing))]


def _lock_forgotten_at_restart() -> list[Patch]:
    replay = HeightRun.replay

    def changed(run: HeightRun, records: Any, signing: Any) -> Any:
        effects = replay(run, records, signing)
        _unlock(run.core.process)
        return effects

    return [(HeightRun, "replay", changed)]


def _signed_heights_voted_again() -> list[Patch]:
    found = Voting.found

    def changed(voting: Voting, signing: Any, now_ms: int) -> None:
        found(voting, signing, now_ms)
        voting._from_height = 1

    return [
        (Voting, "found", changed),
        (node.core.height, "must_only_follow", lambda _state, _core: False),
    ]


def _offences_forgotten() -> list[Patch]:
    fault_of = ledger.validators.fault_of

    def changed(draft: Any, one: Any) -> str | None:
        fault = fault_of(draft, one)
        return None if fault == "has been acted on" else fault

    return [
        (ledger.validators, "fault_of", changed),
        (node.core.evidence, "fault_of", changed),
    ]


def _set_changes_at_once() -> list[Patch]:
    moved = Tip.moved

    def changed(tip: Tip, *given: Any) -> Tip:
        after: Tip = moved(tip, *given)
        return msgspec.structs.replace(after, validators=after.next_validators)

    return [(Tip, "moved", changed)]


MUTANTS: Final = (
    Mutant("quorum of 2f", "consensus/validators.py", "2f votes are a quorum, not 2f + 1",
           lambda: [(ValidatorSet, "is_quorum",
                     lambda these, power: 3 * power >= 2 * (these.total - 1))]),
    Mutant("no lock", "consensus/rules.py", "a polka locks nobody (L37-38)",
           lambda: _rule(consensus.rules.lock, _then_unlock)),
    Mutant("unlock on nil", "consensus/rules.py", "a polka of nil unlocks",
           lambda: _rule(consensus.rules.precommit_nil, _then_unlock)),
    Mutant("lock ignored", "consensus/rules.py", "a fresh proposal is prevoted whatever the lock",
           lambda: _rule(consensus.rules.prevote_fresh, _lock_ignored)),
    Mutant("polka not needed", "consensus/rules.py", "a valid round is believed without its polka",
           lambda: _rule(consensus.rules.prevote_with_polka, _no_polka_needed)),
    Mutant("valid value in prevote only", "consensus/rules.py",
           "validValue is not set in step precommit (L42-43)",
           lambda: _rule(consensus.rules.lock, _valid_in_prevote_only)),
    Mutant("valid value not proposed", "consensus/process.py",
           "the proposer builds a new block although it has a valid value (L15-16)",
           _propose_anew),
    Mutant("timeout of any round", "consensus/core.py",
           "a timer of an earlier round counts in this one (L57-67)", _any_timeout),
    Mutant("skip without distinct senders", "consensus/tally.py",
           "several messages of one sender make f + 1 (L55)", _every_message_speaks),
    Mutant("vote counted twice", "consensus/tally.py", "a vote that comes again counts again",
           _votes_counted_again),
    Mutant("valid(v) not asked", "node/core/deciding.py", "every block at hand is found valid",
           lambda: [(node.core.deciding, "check_successor", lambda _tip, _block: None)]),
    Mutant("block body unchecked", "node/blocks.py",
           "transactions are not compared with the header",
           lambda: [(node.blocks, "check_parts", lambda _block: None)]),
    Mutant("turns for nothing", "consensus/rotation.py", "turns go round, whatever the power",
           _turns_for_nothing),
    Mutant("mean time", "consensus/validators.py", "block time is the mean of the commit",
           lambda: [(node.core.chain, "median_time_ms", _mean_time)]),
    Mutant("unweighted time", "consensus/validators.py", "the median counts heads, not power",
           lambda: [(node.core.chain, "median_time_ms", _unweighted_time)]),
    Mutant("vote before its block", "consensus/process.py",
           "a vote may bear a time before that of its block",
           lambda: [(Process, "_time_ms", lambda process, _block: max(
               process.now_ms, process.time_ms_min))]),
    Mutant("validators at once", "node/core/chain.py", "the set changes one height early",
           _set_changes_at_once),
    Mutant("log after sending", "node/core/core.py", "the log is flushed after the message is out",
           _log_after_sending),
    Mutant("log unread", "node/core/height.py", "the log is not replayed", _log_unread),
    Mutant("lock not persisted", "node/core/height.py", "a restart forgets the lock",
           _lock_forgotten_at_restart),
    Mutant("block not logged", "node/core/height.py", "a block voted for is not in the log",
           lambda: [(HeightRun, "log_block", lambda _run, _block: None)]),
    Mutant("torn record taken", "node/wal.py", "checksums of the log are not looked at",
           lambda: [(node.wal, "crc32c", len)]),
    Mutant("signer forgets", "node/signer.py", "the signer's state is not kept",
           lambda: [(simulator.node, "signed_state", lambda state, _message, _signature: state)]),
    Mutant("signed heights voted again", "node/core/voting.py",
           "after its log is lost a validator votes where its key has voted",
           _signed_heights_voted_again),
    Mutant("commit trusted", "node/core/core.py", "blocks of a peer are taken with any commit",
           lambda: [(node.core.core, "check_decided", lambda _tip, _decided: None)]),
    Mutant("evidence twice", "ledger/validators.py", "an offence is punished again and again",
           _offences_forgotten),
    Mutant("evidence not reported", "consensus/book.py", "two votes at one place go unnoticed",
           _no_evidence),
    Mutant("every later round kept", "consensus/book.py",
           "one sender can fill the memory with later rounds",
           lambda: [(consensus.book, "FUTURE_ROUNDS_KEPT", 1 << 30)]),
)  # fmt: skip
"""All of them, in the order of the table."""
