"""Proposals and votes: what no rule decides, a named electorate does, within bounds set before.

Who a proposal is about, and its group, have no vote, nor has anybody who is not active; their
weight leaves the denominator. One group's votes count for at most the rulebook's cap.
"""

from collections import defaultdict

import msgspec

from ledger import checks, membership, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import CastVote, Propose
from ledger.default import notices
from ledger.events import Event, ProposalDecided, ProposalEnacted, ProposalOpened, VoteCast
from ledger.receipts import OK
from ledger.rulebook import fault_of, voting_rule
from ledger.state import Draft
from wire.codec import Record
from wire.errors import Rejection
from wire.ids import Lei
from wire.money import BPS, Rounding, muldiv


class Tally(Record, frozen=True):
    """Weights, after the cap on groups."""

    in_favour: int
    against: int
    entitled: int


def propose(draft: Draft, action: Propose, height: int) -> list[Event]:
    """Open a proposal; raises a `Rejection`, also if it could not be enacted as things stand."""
    checks.text(action.reason)
    _enact(Draft(draft), action.body, height)
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    rule = voting_rule(rulebook, kind_of(action.body))
    network = draft.must(t.NETWORK, t.network_key())
    number = network.proposals + 1
    changed = msgspec.structs.replace(network, proposals=number)
    draft.put(t.NETWORK, t.network_key(), changed)
    row = o.Proposal(
        proposer=action.proposer,
        body=action.body,
        reason=action.reason,
        opened=height,
        due=height + rule.window_blocks,
        state=o.ProposalState.OPEN,
        rulebook_version=rulebook.version,
        rule=rule,
        in_favour=0,
        against=0,
        entitled=0,
    )
    draft.put(t.PROPOSALS, t.PROPOSALS.key(number), row)
    return [ProposalOpened(number, action.proposer, row.due, rulebook.version)]


def vote(draft: Draft, action: CastVote, height: int) -> list[Event]:
    """Take a vote; a proposal that no further vote could stop is adopted at once."""
    key = t.PROPOSALS.key(action.proposal)
    proposal = draft.get(t.PROPOSALS, key)
    if proposal is None:
        raise r.UnknownProposal(f"number {action.proposal}")
    if proposal.state != o.ProposalState.OPEN:
        raise r.ProposalClosed(f"it is {o.ProposalState(proposal.state).name}")
    if action.voter not in _weights(draft, proposal):
        raise r.NotEntitled(f"{action.voter} on proposal {action.proposal}")
    ballot = t.BALLOTS.key(action.proposal, action.voter)
    draft.put(t.BALLOTS, ballot, o.Ballot(action.in_favour))
    events: list[Event] = [VoteCast(action.proposal, action.voter, action.in_favour)]
    tally = count(draft, action.proposal, proposal)
    rest = tally.entitled - tally.in_favour
    if _adopts(proposal.rule, Tally(tally.in_favour, rest, tally.entitled)):
        events.append(_decided(draft, action.proposal, proposal, tally, height))
    return events


def due(draft: Draft, height: int) -> list[Event]:
    """Count what closes at `height` and enact what takes effect, in the order of their numbers."""
    events: list[Event] = []
    for key in draft.indexed(t.PROPOSALS, height):
        proposal = draft.must(t.PROPOSALS, key)
        number: int = t.PROPOSALS.parts(key)[0]
        if proposal.state == o.ProposalState.OPEN:
            tally = count(draft, number, proposal)
            events.append(_decided(draft, number, proposal, tally, height))
        else:
            events += _take_effect(draft, number, proposal, height)
    return events


def kind_of(body: o.ProposalBody) -> o.ProposalKind:
    """Which voting rule a body is decided by."""
    tag = body.__struct_config__.tag
    assert isinstance(tag, int)
    return o.ProposalKind(tag)


def count(draft: Draft, number: int, proposal: o.Proposal) -> Tally:
    """The votes as they stand."""
    groups: dict[Lei, list[int]] = defaultdict(lambda: [0, 0, 0])
    for lei, weight in _weights(draft, proposal).items():
        group = draft.must(t.MEMBERS, t.MEMBERS.key(lei)).group
        ballot = draft.get(t.BALLOTS, t.BALLOTS.key(number, lei))
        groups[group][2] += weight
        if ballot is not None:
            groups[group][0 if ballot.in_favour else 1] += weight
    whole = sum(weights[2] for weights in groups.values())
    bps = draft.must(t.RULEBOOK, t.rulebook_key()).group_vote_bps_max
    cap = muldiv(whole, bps, BPS, Rounding.CEIL)
    total = [0, 0, 0]
    for weights in groups.values():
        allowed = min(weights[2], cap)
        for n, weight in enumerate(weights):
            total[n] += muldiv(weight, allowed, weights[2], Rounding.FLOOR)
    return Tally(*total)


def _weights(draft: Draft, proposal: o.Proposal) -> dict[Lei, int]:
    """Who may vote, with which weight; ascending."""
    conflicted = _group_concerned(draft, proposal.body)
    match proposal.rule.electorate:
        case o.Electorate.VALIDATORS:
            weights = {lei: row.power for lei, row in validators.validators(draft)}
        case o.Electorate.MEMBERS:
            keys = draft.indexed(t.MEMBERS, o.Role.MEMBER)
            weights = {t.MEMBERS.parts(key)[0]: 1 for key in keys}
        case o.Electorate.COMMITTEE:
            weights = dict.fromkeys(_committee(draft, conflicted), 1)
    return {lei: x for lei, x in weights.items() if _may_vote(draft, lei, conflicted)}


def _may_vote(draft: Draft, lei: Lei, conflicted: Lei | None) -> bool:
    row = draft.get(t.MEMBERS, t.MEMBERS.key(lei))
    return row is not None and row.state == o.MemberState.ACTIVE and row.group != conflicted


def _committee(draft: Draft, conflicted: Lei | None) -> list[Lei]:
    """The committee; alternates, in their order, for those of it who may not vote."""
    rules = draft.must(t.RULEBOOK, t.rulebook_key()).default
    seated = [lei for lei in rules.committee if _may_vote(draft, lei, conflicted)]
    spare = [lei for lei in rules.alternates if _may_vote(draft, lei, conflicted)]
    return sorted([*seated, *spare[: len(rules.committee) - len(seated)]])


def _group_concerned(draft: Draft, body: o.ProposalBody) -> Lei | None:
    if isinstance(body, o.AmendRulebook):
        return None
    member = draft.get(t.MEMBERS, t.MEMBERS.key(body.lei))
    return None if member is None else member.group


def _adopts(rule: o.VotingRule, tally: Tally) -> bool:
    cast = tally.in_favour + tally.against
    quorate = cast > 0 and cast * BPS >= rule.quorum_bps * tally.entitled
    return quorate and tally.in_favour * BPS > rule.threshold_bps * cast


def _decided(
    draft: Draft, number: int, proposal: o.Proposal, tally: Tally, height: int
) -> ProposalDecided:
    adopted = _adopts(proposal.rule, tally)
    state = o.ProposalState.ADOPTED if adopted else o.ProposalState.REJECTED
    effect = height + proposal.rule.notice_blocks if adopted else 0
    row = msgspec.structs.replace(
        proposal,
        state=state,
        due=effect,
        in_favour=tally.in_favour,
        against=tally.against,
        entitled=tally.entitled,
    )
    draft.put(t.PROPOSALS, t.PROPOSALS.key(number), row)
    return ProposalDecided(number, state, tally.in_favour, tally.against, tally.entitled, effect)


def _take_effect(draft: Draft, number: int, proposal: o.Proposal, height: int) -> list[Event]:
    """Enact an adopted proposal; what the ledger no longer allows fails and leaves nothing."""
    overlay = Draft(draft)
    code, detail = OK, ""
    events: list[Event] = []
    try:
        events = _enact(overlay, proposal.body, height)
        overlay.commit()
    except Rejection as rejection:
        code, detail = rejection.code, rejection.detail
    state = o.ProposalState.ENACTED if code == OK else o.ProposalState.FAILED
    row = msgspec.structs.replace(proposal, state=state, due=0)
    draft.put(t.PROPOSALS, t.PROPOSALS.key(number), row)
    return [ProposalEnacted(number, code, detail), *events]


def _enact(draft: Draft, body: o.ProposalBody, height: int) -> list[Event]:
    """What `body` does, in block `height`; raises a `Rejection`."""
    match body:
        case o.AdmitMember(lei=lei, power=power):
            return membership.admit(draft, lei, power, height)
        case o.SetPower(lei=lei, power=power):
            checks.active_member(draft, lei)
            return validators.set_power(draft, lei, power, height)
        case o.SuspendMember(lei=lei):
            return membership.suspend(draft, lei, height)
        case o.ReinstateMember(lei=lei, power=power):
            return membership.reinstate(draft, lei, power, height)
        case o.RecoverKey():
            return membership.recover_key(draft, body, height)
        case o.NoteDefault(lei=lei):
            why = "vote of the committee"
            return notices.open_case(draft, lei, o.Trigger.COMMITTEE, why, height)
        case o.WithdrawNotice(lei=lei):
            return notices.withdraw_by_committee(draft, lei)
        case o.AmendRulebook(rulebook=rulebook):
            return _amend(draft, rulebook)


def _amend(draft: Draft, rulebook: o.Rulebook) -> list[Event]:
    current = draft.must(t.RULEBOOK, t.rulebook_key())
    if rulebook.version != current.version + 1:
        raise r.BadRulebook(f"version {rulebook.version}, in force is {current.version}")
    if (rulebook.service, rulebook.currency) != (current.service, current.currency):
        raise r.BadRulebook("service and currency stay what they are")
    fault = fault_of(rulebook, [rulebook.currency])
    if fault is not None:
        raise r.BadRulebook(fault)
    draft.put(t.RULEBOOK, t.rulebook_key(), rulebook)
    return []
