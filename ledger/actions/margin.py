"""Marks of the parties, disputes, and initial margin."""

from ledger.objects import ContractMark
from wire.codec import Record
from wire.ids import AssetCode, Date, Lei, Party


class CommitMark(Record, frozen=True, tag=19):
    """A party commits to its marks of a pair's contracts for the open date."""

    party: Party
    counterparty: Party
    date: Date
    digest: bytes
    """SHA-256 of the canonical encoding of ("dcn/marks/1", salt, marks)."""


class SubmitMark(Record, frozen=True, tag=20):
    """A party reveals the marks it has committed to."""

    party: Party
    counterparty: Party
    date: Date
    salt: bytes
    marks: tuple[ContractMark, ...]
    """By UTI, ascending."""


class SubmitContractMark(Record, frozen=True, tag=21):
    """An oracle marks disputed contracts of a pair."""

    oracle: Lei
    first: Party
    second: Party
    marks: tuple[ContractMark, ...]


class AgreeMark(Record, frozen=True, tag=22):
    """Both parties agree on the disputed contracts' values: the rest moves."""

    first: Party
    second: Party
    asset: AssetCode
    marks: tuple[ContractMark, ...]


class RaiseDispute(Record, frozen=True, tag=23):
    """The payer of an initial margin call names what of it is undisputed."""

    party: Party
    counterparty: Party
    undisputed: int
    reason: str


class PostIm(Record, frozen=True, tag=24):
    """A party brings an eligible asset into contract custody."""

    party: Party
    counterparty: Party
    asset: AssetCode
    amount: int


class ReturnExcessIm(Record, frozen=True, tag=25):
    """A party takes back what exceeds the requirement."""

    party: Party
    counterparty: Party
    asset: AssetCode
    amount: int


class SubstituteCollateral(Record, frozen=True, tag=26):
    """Both agree that the poster puts one asset in the place of another, worth at least as much."""

    party: Party
    counterparty: Party
    take: AssetCode
    take_amount: int
    give: AssetCode
    give_amount: int


class AgreeIm(Record, frozen=True, tag=27):
    """Both agree on what each posts, under the EXTERNAL model."""

    first: Party
    second: Party
    amount_first: int
    amount_second: int
