"""Proposals and votes: what no rule decides, a named electorate does, within bounds set before.

Whom a proposal is about, whoever is in default, and their groups have no vote, nor has anybody who
is not active; their weight leaves the denominator. Whoever is off the white list cannot vote, but
its weight stays: attestors do not choose the electorate. One group's votes count for at most the
rulebook's cap.
"""

from collections import defaultdict

import msgspec

from ledger import checks, validators
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import CastVote, Propose
from ledger.enactment import enact, kind_of
from ledger.events import Event, ProposalDecided, ProposalEnacted, ProposalOpened, VoteCast
from ledger.receipts import OK
from ledger.rulebook import voting_rule
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
    enact(Draft(draft), action.body, height, o.Clause.VOTE)
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
    return [ProposalOpened(number, action.proposer, row.due, _basis(row))]


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
    conflicted = {*_groups_concerned(draft, proposal.body), *_groups_in_default(draft)}
    match proposal.rule.electorate:
        case o.Electorate.VALIDATORS:
            weights = {lei: row.power for lei, row in validators.validators(draft)}
        case o.Electorate.MEMBERS:
            keys = draft.indexed(t.MEMBERS, o.Role.MEMBER)
            weights = {t.MEMBERS.parts(key)[0]: 1 for key in keys}
        case o.Electorate.COMMITTEE:
            weights = dict.fromkeys(_committee(draft, conflicted), 1)
    return {lei: x for lei, x in weights.items() if _may_vote(draft, lei, conflicted)}


def _may_vote(draft: Draft, lei: Lei, conflicted: set[Lei]) -> bool:
    row = draft.get(t.MEMBERS, t.MEMBERS.key(lei))
    return row is not None and row.state == o.MemberState.ACTIVE and row.group not in conflicted


def _committee(draft: Draft, conflicted: set[Lei]) -> list[Lei]:
    """The committee; alternates, in their order, for those of it who may not vote."""
    rules = draft.must(t.RULEBOOK, t.rulebook_key()).default
    seated = [lei for lei in rules.committee if _may_vote(draft, lei, conflicted)]
    spare = [lei for lei in rules.alternates if _may_vote(draft, lei, conflicted)]
    return sorted([*seated, *spare[: len(rules.committee) - len(seated)]])


def _groups_concerned(draft: Draft, body: o.ProposalBody) -> list[Lei]:
    """The groups of those whom a proposal is about."""
    match body:
        case o.AmendRulebook() | o.ListFeed() | o.ListInstrument() | o.ExtendCalendar():
            return []
        case o.ListAsset(asset=o.AssetTerms(issuer=lei)):
            groups = []
        case o.SetGroup(lei=lei, group=group):
            groups = [group]
        case o.GrantMandate(mandate=o.Mandate(authority=lei)) | o.RevokeMandate(authority=lei):
            groups = []
        case _:
            lei, groups = body.lei, []
    member = draft.get(t.MEMBERS, t.MEMBERS.key(lei))
    return groups if member is None else [*groups, member.group]


def _groups_in_default(draft: Draft) -> list[Lei]:
    keys = draft.indexed(t.MEMBERS, t.in_state(o.MemberState.DEFAULTED))
    return [draft.must(t.MEMBERS, key).group for key in keys]


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
    return ProposalDecided(
        number, state, tally.in_favour, tally.against, tally.entitled, effect, _basis(row)
    )


def _basis(proposal: o.Proposal) -> o.Basis:
    """A vote rests on the version under which it was opened."""
    return o.Basis(o.Clause.VOTE, proposal.rulebook_version)


def _take_effect(draft: Draft, number: int, proposal: o.Proposal, height: int) -> list[Event]:
    """Enact an adopted proposal; what the ledger no longer allows fails and leaves nothing."""
    overlay = Draft(draft)
    code, detail = OK, ""
    events: list[Event] = []
    try:
        events = enact(overlay, proposal.body, height, o.Clause.VOTE)
        overlay.commit()
    except Rejection as rejection:
        code, detail = rejection.code, rejection.detail
    state = o.ProposalState.ENACTED if code == OK else o.ProposalState.FAILED
    row = msgspec.structs.replace(proposal, state=state, due=0)
    draft.put(t.PROPOSALS, t.PROPOSALS.key(number), row)
    return [ProposalEnacted(number, code, detail, _basis(proposal)), *events]
