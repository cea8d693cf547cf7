"""Who is to blame for two decisions at one height: from the union of the correct nodes' logs.

Two quorums share more than a third of the power. In one round the shared have signed both:
equivocation. In two rounds, take the first round after the earlier commit with a polka for another
block: who signed both the commit and that polka was locked, and nothing can have unlocked it:
amnesia (Tendermint, "accountability for forks"; the CometBFT spec calls them duplicate vote and
amnesia attacks). A correct validator never does either.
"""

from collections.abc import Iterable
from typing import TypeAlias

from consensus.book import FUTURE_ROUNDS_KEPT
from consensus.inputs import VoteReceived
from consensus.messages import Certificate, Proposal, Vote, VoteKind, contradict, step_of, votes_of
from consensus.validators import ValidatorSet
from node.blocks import accusation
from simulator.logs import logged_inputs, messages_in
from simulator.record import Replay, RunRecord, ident_of

Message: TypeAlias = Vote | Proposal


def check_accountability(record: RunRecord, replay: Replay) -> list[str]:
    """What is wrong with the blame for each fork; nothing without a fork."""
    found: list[str] = []
    for height, commits in forks(record).items():
        validators = replay.validators(height)
        messages = heard(record, height)
        for commit in commits:
            messages += votes_of(commit)
        blamed = guilty(messages, commits, validators)
        correct = [record.keys[key] for key in blamed if key in record.keys]
        if correct:
            found.append(f"height {height}: {', '.join(correct)} is blamed and correct")
        power = sum(validators.powers[key] for key in blamed)
        if not validators.is_third(power):
            found.append(f"height {height}: the blamed have power {power} of {validators.total}")
    return found


def unreported(record: RunRecord) -> list[str]:
    """Contradictions that stand in a correct validator's log, and no correct node has reported.

    Of who spoke in more rounds than are kept, the first vote may have been forgotten.
    """
    reported = {
        (said.consensus_key, said.height)
        for one in record.journal.accusations
        if one.node in record.correct
        for said in [accusation(one.piece)]
    }
    found: list[str] = []
    for name in record.correct:
        for height, inputs in logged_inputs(record, name).items():
            votes = [given.vote for given in inputs if isinstance(given, VoteReceived)]
            for key in dict.fromkeys(_equivocators(list(votes))):
                rounds = {vote.round for vote in votes if vote.validator == key}
                if (key, height) not in reported and len(rounds) <= FUTURE_ROUNDS_KEPT:
                    found.append(f"{name} height {height}: {key.hex()[:8]} voted twice, unreported")
    return found


def forks(record: RunRecord) -> dict[int, list[Certificate]]:
    """The commits of each height at which correct nodes decided different blocks."""
    commits: dict[int, dict[bytes, Certificate]] = {}
    for decision in record.journal.decisions:
        if decision.node in record.correct:
            decided = decision.decided
            at = commits.setdefault(decided.block.header.height, {})
            at.setdefault(ident_of(decided), decided.commit)
    return {height: list(at.values()) for height, at in commits.items() if len(at) > 1}


def heard(record: RunRecord, height: int) -> list[Message]:
    """Every message of `height` in the log of any correct node."""
    return [
        message
        for name in record.correct
        for given in logged_inputs(record, name).get(height, ())
        for message in messages_in(given)
    ]


def guilty(
    messages: Iterable[Message], commits: list[Certificate], validators: ValidatorSet
) -> dict[bytes, str]:
    """Validators proved to have equivocated or forgotten, and which."""
    known = list(messages)
    found = dict.fromkeys(_equivocators(known), "equivocation")
    first = min(commits, key=lambda commit: commit.round)
    votes = [vote for vote in known if isinstance(vote, Vote)]
    for round_ in sorted({vote.round for vote in votes if vote.round > first.round}):
        for block in _polkas(votes, round_, validators):
            if block != first.block_id:
                promised = {entry.validator for entry in first.signatures}
                for vote in votes:
                    if _prevoted(vote, round_, block) and vote.validator in promised:
                        found.setdefault(vote.validator, "amnesia")
                return found
    return found


def _equivocators(messages: list[Message]) -> list[bytes]:
    first: dict[tuple[bytes, int, int], Message] = {}
    found: list[bytes] = []
    for message in messages:
        place = (message.validator, message.round, int(step_of(message)))
        if contradict(first.setdefault(place, message), message):
            found.append(message.validator)
    return found


def _polkas(votes: list[Vote], round_: int, validators: ValidatorSet) -> list[bytes]:
    """The blocks with a quorum of prevotes in `round_`."""
    backers: dict[bytes, set[bytes]] = {}
    for vote in votes:
        if vote.block_id is not None and _prevoted(vote, round_, vote.block_id):
            backers.setdefault(vote.block_id, set()).add(vote.validator)
    return [
        block
        for block, who in backers.items()
        if validators.is_quorum(sum(validators.powers.get(key, 0) for key in who))
    ]


def _prevoted(vote: Vote, round_: int, block: bytes) -> bool:
    return (vote.kind, vote.round, vote.block_id) == (VoteKind.PREVOTE, round_, block)
