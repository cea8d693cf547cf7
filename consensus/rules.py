"""The `upon` rules of Algorithm 1 (L22-56), one function each.

A rule whose condition holds carries it out and returns True; `advance` tries them again from
the top until none fires. Where two are enabled at once the one about a block goes before the
one about "any" (L36 and L44 before L34, L49 before L47), so that no timer is started in vain.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from consensus.effects import Decide
from consensus.messages import NO_ROUND, Step, VoteKind
from consensus.process import Process

Rule: TypeAlias = Callable[[Process], bool]


def advance(process: Process) -> None:
    """Apply the rules until none is enabled, the height is decided, or it has not begun."""
    while process.round != NO_ROUND and process.decision is None:
        request_checks(process)
        if not any(rule(process) for rule in RULES):
            return


def request_checks(process: Process) -> None:
    """Ask for valid(v) of every proposal that a rule now waits for."""
    log = process.log
    wanted = [log.proposal]
    wanted += [log.proposal_for(block_id) for block_id in log.prevotes.blocks_with_quorum()]
    wanted += [process.book.at(r).proposal_for(block_id) for r, block_id in process.book.commits]
    for proposal in wanted:
        if proposal is not None:
            process.check(proposal)


def decide(process: Process) -> bool:
    """L49-54: a proposal and a quorum of precommits for it, in any round, past or future."""
    for round_, block_id in process.book.commits:
        proposal = process.book.at(round_).proposal_for(block_id)
        if proposal is None or not process.validity.get(block_id, False):  # L50: valid(v)
            continue
        commit = process.book.certificate(VoteKind.PRECOMMIT, round_, block_id)
        assert commit is not None
        process.decision = Decide(process.height, round_, block_id, commit)
        process.timers.clear()
        process.emit(process.decision)
        return True
    return False


def skip_to_later_round(process: Process) -> bool:
    """L55-56: more than a third is in a later round, by messages of any type."""
    if process.book.skip_to <= process.round:
        return False
    process.start_round(process.book.skip_to)
    return True


def prevote_fresh(process: Process) -> bool:
    """L22-27: a proposal with validRound -1."""
    proposal = process.log.proposal
    if process.step is not Step.PROPOSE or proposal is None or proposal.valid_round != NO_ROUND:
        return False
    valid = process.validity.get(proposal.block_id)
    if valid is None:
        return False
    unlocked = process.locked_round == NO_ROUND or process.locked_value == proposal.block_id
    process.prevote(proposal.block_id if valid and unlocked else None)  # L23-26
    return True


def prevote_with_polka(process: Process) -> bool:
    """L28-33: a proposal whose value had a quorum of prevotes in the earlier round vr."""
    proposal = process.log.proposal
    if process.step is not Step.PROPOSE or proposal is None:
        return False
    vr = proposal.valid_round
    if not 0 <= vr < process.round or not process.book.has_polka(vr, proposal.block_id):
        return False
    valid = process.validity.get(proposal.block_id)
    if valid is None:
        return False
    unlocked = process.locked_round <= vr or process.locked_value == proposal.block_id
    process.prevote(proposal.block_id if valid and unlocked else None)  # L29-32
    return True


def lock(process: Process) -> bool:
    """L36-43: a polka for a valid proposal of this round; once per round, from step prevote on."""
    log = process.log
    if log.lock_rule_fired or process.step is Step.PROPOSE:
        return False
    for block_id in log.prevotes.blocks_with_quorum():
        if log.proposal_for(block_id) is None or not process.validity.get(block_id, False):
            continue
        log.lock_rule_fired = True
        if process.step is Step.PREVOTE:  # L37: lock only here
            process.locked_value = block_id
            process.locked_round = process.round
            process.precommit(block_id)
        process.valid_value = block_id  # L42-43: in step precommit too
        process.valid_round = process.round
        return True
    return False


def precommit_nil(process: Process) -> bool:
    """L44-46: a quorum of prevotes for nil."""
    if process.step is not Step.PREVOTE or not process.log.prevotes.has_quorum(None):
        return False
    process.precommit(None)
    return True


def start_prevote_timer(process: Process) -> bool:
    """L34-35: a quorum of prevotes for whatever, once per round."""
    log = process.log
    if process.step is not Step.PREVOTE or log.prevote_timer_started:
        return False
    if not log.prevotes.has_quorum_any():
        return False
    log.prevote_timer_started = True
    process.schedule(Step.PREVOTE)
    return True


def start_precommit_timer(process: Process) -> bool:
    """L47-48: a quorum of precommits for whatever, once per round, in any step."""
    log = process.log
    if log.precommit_timer_started or not log.precommits.has_quorum_any():
        return False
    log.precommit_timer_started = True
    process.schedule(Step.PRECOMMIT)
    return True


def skip_wait_for_precommits(process: Process) -> bool:
    """Not in the paper: nobody is left to wait for and no block can be decided in this round.

    The same as L65-67 with a timer of length zero, which any timer may have.
    """
    precommits = process.log.precommits
    if process.timeouts.wait_when_complete or not precommits.is_complete():
        return False
    if precommits.blocks_with_quorum():
        return False
    process.start_round(process.round + 1)
    return True


RULES: Final[tuple[Rule, ...]] = (
    decide,
    skip_to_later_round,
    prevote_fresh,
    prevote_with_polka,
    lock,
    precommit_nil,
    start_prevote_timer,
    start_precommit_timer,
    skip_wait_for_precommits,
)
"""In the order in which they are tried."""
