"""What the API answers: one type a route. Heights are block heights, times milliseconds since 1970,
amounts minor units, ids and bytes hex."""

from typing import Final, Generic, Literal, TypeAlias, TypeVar, get_args

import msgspec

from ledger import objects as o
from ledger.actions import Action
from ledger.events import Event
from ledger.receipts import RoundResult
from ledger.recovery import SignedRecovery
from node.apitypes.shown import AnyRow, Hex, Line, Shown
from node.blocks import Header
from node.messages import FieldDifference


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers."""


T = TypeVar("T")


class Page(Answer, Generic[T], frozen=True):
    """A part of a list. `next` is the `after` of the page that follows; null: this is the last."""

    as_of_height: int
    items: list[T]
    next: str | None


class ErrorAnswer(Answer, frozen=True):
    """Every error: `code` is stable and for programs, `detail` says what was wrong here, `remedy`
    what to do about it. `dcn explain CODE` tells more."""

    code: str
    detail: str
    remedy: str


class Health(Answer, frozen=True):
    """Whether the node runs."""

    status: Literal["ok"]
    height: int


# ---------------------------------------------------------------- the node and its chain
class Place(Answer, frozen=True):
    """Where consensus stands."""

    height: int
    round: int
    step: str


class CatchingUp(Answer, frozen=True, omit_defaults=True):
    """How a node that is behind comes up: by blocks, or by a snapshot."""

    by: Literal["blocks", "snapshot"]
    from_: int = msgspec.field(name="from")
    to: int
    blocks_per_s: float | None = None
    waiting: int | None = None
    peers: int | None = None
    snapshot_height: int | None = None
    chunks_done: int | None = None
    chunks: int | None = None


class GenesisView(Answer, frozen=True):
    """The network's genesis: the bytes of the file that every member has."""

    chain_id: str
    genesis_hash: Hex
    genesis: Hex


class Percentiles(Answer, frozen=True):
    """Nearest-rank percentiles of milliseconds; null of nothing."""

    count: int
    p50: int | None
    p95: int | None


class RulebookInForce(Answer, frozen=True):
    """The version of the rulebook in force, and its hash."""

    rulebook_version: int
    rulebook_hash: Hex


class Status(RulebookInForce, frozen=True):
    """The node, its chain and its peers."""

    lei: str
    role: Literal["member", "observer"]
    votes: bool
    signer: str
    chain_id: str
    height: int
    block_id: Hex
    time_ms: int
    state_root: Hex
    business_date: int | None
    rounds: int
    validators: int
    live_contracts: int
    consensus: Place
    peers: list[str]
    behind: int
    catching_up: CatchingUp | None
    oldest_block: int
    evidence: int
    waiting: int
    finality_ms: Percentiles


class Voter(Answer, frozen=True):
    """A validator of the height under way. Votes: `-` none heard, `nil`, or the begin of an id."""

    lei: str
    power: int
    connected: bool
    prevote: str
    precommit: str


class Standing(Answer, frozen=True):
    """The height under way."""

    height: int
    round: int
    step: str
    proposer: str
    proposal: str | None
    locked_round: int
    valid_round: int
    signs: bool
    validators: list[Voter]
    missing: list[str]
    waits_for: str


class IncludedCertificate(Answer, frozen=True):
    """A netting certificate that a block carries: its round, and its size."""

    number: int
    bytes: int


class CommitView(Answer, frozen=True):
    """Who decided a block, by consensus keys."""

    round: int
    signers: list[Hex]


class TransactionLine(Answer, frozen=True):
    """A transaction of a block and what it does."""

    tx_id: Hex
    action: Shown[Action]


class BlockView(Answer, frozen=True):
    """A block with its transactions and commit."""

    id: Hex
    header_bytes: Hex
    header: Shown[Header]
    transactions: list[TransactionLine]
    certificates: list[IncludedCertificate]
    recovery: Shown[SignedRecovery] | None
    commit: CommitView


class LightView(Answer, frozen=True):
    """A light block: header, commit, validators and next ones in its canonical bytes."""

    height: int
    id: Hex
    header: Shown[Header]
    light_block: Hex


class Invariants(Answer, frozen=True, omit_defaults=True):
    """Whether all conservation laws hold; `checked` names them, `detail` the one that does not."""

    as_of_height: int
    hold: bool
    checked: list[str] = []
    detail: str = ""


# ---------------------------------------------------------------- members, assets, trades
class BalanceOf(Answer, frozen=True):
    """Which account: its kind, what it is named after, and the asset."""

    kind: str
    reference: str
    asset: str


class LimitOf(Answer, frozen=True):
    """Against whom, and in which asset."""

    counterparty: str
    asset: str


class Account(Answer, frozen=True):
    """A member, its balances, limits and netting sets."""

    as_of_height: int
    member: Shown[o.Member]
    balances: list[Line[BalanceOf, o.Balance]]
    netting_sets: list[Shown[o.NettingSet]]
    limits: list[Line[LimitOf, o.Limit]]


class Holding(Answer, frozen=True):
    """What an account holds of an asset."""

    holder: str
    account: str
    reference: str
    balance: int


class Holders(Answer, frozen=True):
    """The register of holders of an asset."""

    as_of_height: int
    asset: str
    circulating: int
    holders: list[Holding]


class Registered(Answer, frozen=True):
    """Where a registered trade stands."""

    state: str
    height: int
    fees: list[Shown[o.TradeFee]]


TradeLine: TypeAlias = Line[Registered, o.Trade]


class BookTrade(Answer, frozen=True):
    """A trade of the member's own book, as text."""

    uti: str
    buyer: str
    seller: str
    instrument: str
    quantity: str
    price: str
    trade_date: str
    source: str
    reference: str


class TradeFollowed(Answer, frozen=True):
    """Where a trade is: `registered` with its `trade`, or on its way there with what this node
    knows: the counterparty, the refusal, the fields in which the two books differ."""

    status: str
    as_of_height: int
    trade: Line[Registered, o.Trade] | None = None
    tx_id: Hex = ""
    counterparty: str = ""
    code: str = ""
    detail: str = ""
    differences: list[Shown[FieldDifference]] = []


class RoundOf(Answer, frozen=True):
    """How many obligations a round has frozen; they are listed by the table `round`."""

    obligation_count: int


class ProposalOf(Answer, frozen=True):
    """A proposal's number."""

    number: int


class OpenProposal(Answer, frozen=True):
    """A proposal's number, and who has voted how (LEI to in favour)."""

    as_of_height: int
    number: int
    votes: dict[str, bool]


class RulebookView(RulebookInForce, frozen=True):
    """The parameters in force."""

    as_of_height: int
    rulebook: Shown[o.Rulebook]


class AsOf(Answer, frozen=True):
    """The height that an answer holds at."""

    as_of_height: int


class OffenceOf(Answer, frozen=True):
    """Whose signature, for which height; `id` orders them."""

    id: Hex
    consensus_key: Hex
    offence_height: int


class TableRow(Answer, frozen=True):
    """A row of a table: `id` orders the rows and is the `after` of the next page."""

    id: Hex
    key: list[str | int]
    row: AnyRow


# ---------------------------------------------------------------- proofs
class Claim(Answer, frozen=True):
    """What a proof says; `row` null: that there is no such row."""

    table: str
    key: list[str | int]
    row: AnyRow | None


class ResultClaim(Answer, frozen=True):
    """What the proof of a round's results says."""

    table: Literal["result"]
    key: list[str | int]
    row: list[Shown[RoundResult]]


class ProofFile(Answer, frozen=True):
    """A proof that `dcn verify-proof` checks without any node."""

    format: str
    chain_id: str
    state_after_height: int
    header_height: int
    header_id: Hex
    claim: Claim
    proved: Hex


class ResultProofFile(Answer, frozen=True):
    """A proof of what a round did for a party."""

    format: str
    chain_id: str
    state_after_height: int
    header_height: int
    header_id: Hex
    claim: ResultClaim
    proved: Hex


# ---------------------------------------------------------------- events
EVENT_TYPES: Final = frozenset(kind.__name__ for kind in get_args(Event))


class EventLine(Answer, frozen=True):
    """An event of a block: `id` is HEIGHT-INDEX and orders all events of the chain."""

    id: str
    height: int
    type: str
    event: Shown[Event]
