"""Why is it stuck? Who is missing in this round, who voted what, and what the node waits for."""

from collections.abc import Iterable
from typing import Any

from consensus.messages import NO_ROUND, Step
from consensus.process import Process
from consensus.tally import Tally
from ledger import objects as o
from ledger import tables as t
from ledger.recovery import Recovery
from ledger.state import State
from node.core.height import HeightRun
from wire.codec import digest_of

Json = dict[str, Any]


def standing(
    run: HeightRun,
    state: State,
    connected: Iterable[str],
    own_lei: str,
    recovery: Recovery | None = None,
) -> Json:
    """The height under way; `connected`: LEIs of the peers. Votes are `-` (none heard), `nil`, or
    the first 16 digits of a block id. `recovery`: the one that others have agreed to and this node
    has not."""
    process = run.core.process
    names = names_of_validators(state)
    present = {*connected, own_lei}
    started = process.round != NO_ROUND
    log = process.log if started else None
    proposer = process.proposer(max(process.round, process.first_round))
    rows = [
        {
            "lei": names.get(member.public_key, member.public_key.hex()),
            "power": member.power,
            "connected": names.get(member.public_key) in present,
            "prevote": "-" if log is None else _vote(log.prevotes, member.public_key),
            "precommit": "-" if log is None else _vote(log.precommits, member.public_key),
        }
        for member in process.validators.members
    ]
    return {
        "height": process.height,
        "round": process.round,
        "step": process.step.name if started else "WAITING",
        "proposer": names.get(proposer, proposer.hex()),
        "proposal": None if log is None or log.proposal is None else _short(log.proposal.block_id),
        "locked_round": process.locked_round,
        "valid_round": process.valid_round,
        "signs": process.me is not None,
        "validators": rows,
        "missing": [row["lei"] for row in rows if not row["connected"]],
        "waits_for": waits_for(run, names) if recovery is None else _agreement(recovery),
    }


def waits_for(run: HeightRun, names: dict[bytes, str]) -> str:
    """One sentence: what has to happen next."""
    process = run.core.process
    if process.round == NO_ROUND:
        return "something to decide, or the time of the next empty block"
    log = process.log
    needed = f"more than 2/3 of {process.validators.total}"
    proposal = log.proposal
    match process.step:
        case Step.PROPOSE if proposal is None:
            proposer = process.proposer(process.round)
            return f"the proposal of {names.get(proposer, proposer.hex())}"
        case Step.PROPOSE:
            asked = [] if proposal is None else run.candidates.missing(proposal.block_id)
            missing = {digest for _, digests in asked for digest in digests}
            return f"{len(missing)} bundles of the proposed block" if missing else "its own prevote"
        case Step.PREVOTE:
            return f"prevotes: has power {_power(process, log.prevotes)}, needs {needed}"
        case Step.PRECOMMIT:
            return f"precommits: has power {_power(process, log.precommits)}, needs {needed}"


def _agreement(recovery: Recovery) -> str:
    what = f"the recovery {digest_of(recovery).hex()[:16]} of height {recovery.height}"
    return f"its operator: `dcn recover apply` with {what}"


def names_of_validators(state: State) -> dict[bytes, str]:
    """LEI by consensus key."""
    rows = [state.must(t.MEMBERS, key) for key in state.indexed(t.MEMBERS, o.Role.VALIDATOR)]
    return {row.consensus_key: row.lei for row in rows if row.consensus_key is not None}


def _power(process: Process, tally: Tally) -> int:
    return sum(process.validators.powers[validator] for validator in tally.votes)


def _vote(tally: Tally, validator: bytes) -> str:
    vote = tally.votes.get(validator)
    if vote is None:
        return "-"
    return "nil" if vote.block_id is None else _short(vote.block_id)


def _short(block_id: bytes) -> str:
    return block_id.hex()[:16]
