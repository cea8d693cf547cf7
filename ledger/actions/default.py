"""The default fund, cases, close-out and recovery."""

from wire.codec import Record
from wire.ids import InstrumentCode, Lei, Party


class ContributeFund(Record, frozen=True, tag=50):
    """A member pays into a service's default fund."""

    member: Lei
    service: str
    amount: int


class WithdrawFund(Record, frozen=True, tag=51):
    """A member takes back what it has in the fund above its requirement."""

    member: Lei
    service: str
    amount: int


class PostCapital(Record, frozen=True, tag=52):
    """The service's operator puts capital into the waterfall, where it stays."""

    operator: Lei
    service: str
    amount: int


class NotifyInsolvency(Record, frozen=True, tag=53):
    """The member itself, or an authority, gives notice that it is insolvent."""

    notifier: Lei
    member: Lei
    reason: str


class DirectDefault(Record, frozen=True, tag=54):
    """An authority directs that a member is to be put in default."""

    authority: Lei
    member: Lei
    reason: str


class WithdrawCase(Record, frozen=True, tag=55):
    """An authority takes a notice of insolvency or a direction back before the declaration."""

    authority: Lei
    case: int
    reason: str


class CureDefault(Record, frozen=True, tag=56):
    """A member pays, out of turn, everything that its notice names."""

    member: Lei
    case: int


class Stay(Record, frozen=True, tag=57):
    """An authority holds the close-out of a case up, while payments continue."""

    authority: Lei
    case: int
    blocks: int
    reason: str


class SubmitQuote(Record, frozen=True, tag=58):
    """A member names the price at which it would take contracts of the defaulter."""

    member: Lei
    case: int
    instrument: InstrumentCode
    price: int


class Port(Record, frozen=True, tag=59):
    """A client's contracts, whole, go to its account with another member."""

    case: int
    client: Party
    to: Party
    """Of the same client: both accounts name it by the same hash."""


class InvokeGuarantor(Record, frozen=True, tag=60):
    """A guarantor takes a netting set of the defaulter at its close-out value."""

    guarantor: Lei
    case: int
    debtor: Party
    creditor: Party


class StateGuarantee(Record, frozen=True, tag=64):
    """A member answers for another, outside its group, up to a total in the currency."""

    guarantor: Lei
    member: Lei
    total: int


class RecordRecovery(Record, frozen=True, tag=61):
    """Money recovered from a defaulter goes to those who bore its losses."""

    payer: Lei
    case: int
    amount: int
    reference: str


class ReleaseEstate(Record, frozen=True, tag=62):
    """The authority releases money of the estate for those who bore the losses."""

    authority: Lei
    case: int
    amount: int
    reference: str


class DistributeRecovery(Record, frozen=True, tag=63):
    """Pay out what has been recovered, by the rule."""

    member: Lei
    case: int
