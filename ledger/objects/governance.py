"""Proposals, what they would do, and the votes on them."""

from ledger.objects.enums import KeyRole, ProposalKind, ProposalState
from ledger.objects.network import Rulebook, VotingRule
from wire.codec import Record
from wire.ids import Lei


class AdmitMember(Record, frozen=True, tag=ProposalKind.ADMIT_MEMBER.value):
    """An applicant becomes an active member, with `power` if it is to be a validator."""

    lei: Lei
    power: int


class SetPower(Record, frozen=True, tag=ProposalKind.SET_POWER.value):
    """A validator's power changes, two heights after; 0 takes it out of the set."""

    lei: Lei
    power: int


class SuspendMember(Record, frozen=True, tag=ProposalKind.SUSPEND_MEMBER.value):
    """A member may start no transaction and does not vote."""

    lei: Lei


class ReinstateMember(Record, frozen=True, tag=ProposalKind.REINSTATE_MEMBER.value):
    """A suspended member is active again, with `power` as a validator."""

    lei: Lei
    power: int


class RecoverKey(Record, frozen=True, tag=ProposalKind.RECOVER_KEY.value):
    """A member that has lost its keys of one role gets a new one in their place."""

    lei: Lei
    role: KeyRole
    public_key: bytes


class AmendRulebook(Record, frozen=True, tag=ProposalKind.AMEND_RULEBOOK.value):
    """The next version of all parameters."""

    rulebook: Rulebook


class NoteDefault(Record, frozen=True, tag=ProposalKind.NOTE_DEFAULT.value):
    """A case is opened with a notice: also of an operational miss, which nothing else opens."""

    lei: Lei


class WithdrawNotice(Record, frozen=True, tag=ProposalKind.WITHDRAW_NOTICE.value):
    """A notice by the committee is taken back before the declaration."""

    lei: Lei


ProposalBody = (
    AdmitMember
    | SetPower
    | SuspendMember
    | ReinstateMember
    | RecoverKey
    | AmendRulebook
    | NoteDefault
    | WithdrawNotice
)


class Proposal(Record, frozen=True):
    """A proposal and where it stands; the key is its number."""

    proposer: Lei
    body: ProposalBody
    reason: str
    opened: int
    """Height of the block that opened it."""
    due: int
    """Open: the height at which votes are counted. Adopted: at which it takes effect. Else 0."""
    state: ProposalState
    rulebook_version: int
    rule: VotingRule
    """Of that version: a later one does not change a vote under way."""
    in_favour: int
    """Weight counted for it, and against it, when it was decided."""
    against: int
    entitled: int
    """Weight of all who could have voted then."""


class Ballot(Record, frozen=True):
    """One member's vote on one proposal; its last one counts."""

    in_favour: bool
