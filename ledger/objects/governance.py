"""Proposals, what they would do, and the votes on them."""

from ledger.objects.assets import AssetTerms
from ledger.objects.enums import KeyRole, ProposalKind, ProposalState, Role
from ledger.objects.network import Rulebook, VotingRule
from ledger.objects.oversight import Mandate
from ledger.objects.trades import Feed, Instrument
from wire.codec import Record
from wire.ids import Date, Lei


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


class ListAsset(Record, frozen=True, tag=ProposalKind.LIST_ASSET.value):
    """A settlement token or security can be minted by its issuer."""

    asset: AssetTerms


class ListFeed(Record, frozen=True, tag=ProposalKind.LIST_FEED.value):
    """Oracles mark one thing more; no business date closes without it from then on."""

    feed: Feed


class ListInstrument(Record, frozen=True, tag=ProposalKind.LIST_INSTRUMENT.value):
    """Members can trade one thing more."""

    instrument: Instrument


class ExtendCalendar(Record, frozen=True, tag=ProposalKind.EXTEND_CALENDAR.value):
    """Business dates after the last one of the calendar, ascending."""

    dates: tuple[Date, ...]


class SetRoles(Record, frozen=True, tag=ProposalKind.SET_ROLES.value):
    """What a member is on the network; VALIDATOR goes with its power, and is not named."""

    lei: Lei
    roles: tuple[Role, ...]


class SetGroup(Record, frozen=True, tag=ProposalKind.SET_GROUP.value):
    """A member has another ultimate parent."""

    lei: Lei
    group: Lei


class NoteDefault(Record, frozen=True, tag=ProposalKind.NOTE_DEFAULT.value):
    """A case is opened with a notice: also of an operational miss, which nothing else opens."""

    lei: Lei


class WithdrawNotice(Record, frozen=True, tag=ProposalKind.WITHDRAW_NOTICE.value):
    """A notice by the committee is taken back before the declaration."""

    lei: Lei


class GrantMandate(Record, frozen=True, tag=ProposalKind.GRANT_MANDATE.value):
    """An authority is entitled to see; a mandate of the same reference gives way."""

    mandate: Mandate


class RevokeMandate(Record, frozen=True, tag=ProposalKind.REVOKE_MANDATE.value):
    """An authority is entitled no longer."""

    authority: Lei
    reference: str


ProposalBody = (
    AdmitMember
    | SetPower
    | SuspendMember
    | ReinstateMember
    | RecoverKey
    | AmendRulebook
    | ListAsset
    | ListFeed
    | ListInstrument
    | ExtendCalendar
    | SetRoles
    | SetGroup
    | NoteDefault
    | WithdrawNotice
    | GrantMandate
    | RevokeMandate
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
