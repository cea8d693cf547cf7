"""The rows of the ledger: what a state root commits to. Amounts are minor units of an asset."""

from enum import IntEnum

from wire.codec import Record
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei, Uti


class Role(IntEnum):
    """What a member is on the network; a member may have several."""

    MEMBER = 1
    VALIDATOR = 2
    ORACLE = 3
    REGULATOR = 4
    ISSUER = 5


class MemberState(IntEnum):
    """Where a member stands between admission and exit."""

    APPLIED = 1
    ACTIVE = 2
    SUSPENDED = 3
    DEFAULTED = 4
    RESIGNING = 5
    EXITED = 6


class KeyRole(IntEnum):
    """What a signing key may sign."""

    TRADE = 1
    TREASURY = 2
    GOVERNANCE = 3
    ORACLE = 4


class AccountKind(IntEnum):
    """Kinds of account; `reference` of the account's key tells which one of its kind."""

    OWN = 1
    CLIENT = 2
    IM_ESCROW = 3
    VM_BALANCE = 4
    DEFAULT_FUND = 5
    CAPITAL = 6
    FEES = 7
    RESERVE = 8
    ESCROW = 9
    ESTATE = 10
    BLOCKED = 11


class AssetKind(IntEnum):
    """What kind of thing an asset is."""

    CASH = 1
    SECURITY = 2
    CLAIM = 3
    SHARE = 4


class Product(IntEnum):
    """Contract types whose terms the ledger knows."""

    EQUITY_FORWARD = 1


class TradeSource(IntEnum):
    """Where a trade was agreed."""

    OTC = 1
    RFQ = 2
    BOOK = 3


class ContractState(IntEnum):
    """States of a contract, after ERC-6123."""

    INCEPTED = 1
    CONFIRMED = 2
    LIVE = 3
    IN_VALUATION = 4
    DISPUTED = 5
    IN_TRANSFER = 6
    SETTLED = 7
    IN_TERMINATION = 8
    TERMINATED = 9
    MATURED = 10
    NOVATED = 11
    TORN_UP = 12


class Origin(IntEnum):
    """Why an obligation exists."""

    VM = 1
    COUPON = 2
    INTEREST = 3
    TRADE = 4
    FEE = 5
    CLOSE_OUT = 6


class ObligationState(IntEnum):
    """An obligation that is settled leaves the state; its history is in the blocks."""

    OPEN = 1
    FROZEN = 2
    LATE = 3
    """Taken out of a round: stays open, in both directions, and enters the next one."""
    FAILED = 4
    """Its debtor could not fund a round; stays open and enters the next one."""


class RoundState(IntEnum):
    """Stages of a netting round."""

    FROZEN = 1
    CLEARED = 2
    """Cycles are cancelled, pay-ins are published, the funding window is open."""
    SETTLED = 3


class Network(Record, frozen=True):
    """The one row of constants and counters of the network."""

    chain_id: str
    height: int
    time_ms: int
    business_date: Date | None
    """The date that is open; None when the calendar is exhausted."""
    calendar: tuple[Date, ...]
    """Business dates still to come, the open one first."""
    rounds: int
    """Netting rounds started so far."""


class Rulebook(Record, frozen=True):
    """All parameters of the network, one version."""

    version: int
    service: str
    currency: AssetCode
    minimum_transfer_amount: int
    rounding_unit: int
    funding_window_blocks: int
    """Blocks between the publication of pay-ins and settlement."""
    oracle_quorum: int
    """Oracles that must have marked a feed; at least 3 and more than half of the set."""


class Member(Record, frozen=True):
    """A legal entity and its identities on the network."""

    lei: Lei
    name: str
    group: Lei
    """LEI of the ultimate parent; its own if it has none."""
    roles: tuple[Role, ...]
    state: MemberState
    peer_key: bytes | None
    """Ed25519 key of its node's peer identity."""
    consensus_key: bytes | None
    """Ed25519 key of its votes; validators only."""
    power: int
    """Voting power; zero for all but validators."""


class SigningKeyRow(Record, frozen=True):
    """Who a signing key belongs to and what it may sign."""

    member: Lei
    role: KeyRole


class Nonce(Record, frozen=True):
    """A nonce in use; forgotten after `valid_until`."""

    valid_until: int


class SeedLink(Record, frozen=True):
    """The last revealed link of a validator's SHA-256 hash chain (the seed of netting ties)."""

    link: bytes


class Asset(Record, frozen=True):
    """A settlement token or security."""

    code: AssetCode
    kind: AssetKind
    issuer: Lei
    exponent: int
    """Digits of the minor unit (ISO 4217)."""
    minted: int
    redeemed: int


class Balance(Record, frozen=True):
    """What an account holds of one asset; `locked` is part of `balance`."""

    balance: int
    locked: int


class Instrument(Record, frozen=True):
    """What a trade is in: product, feed that marks it, currency, scale, last date."""

    code: InstrumentCode
    product: Product
    feed: FeedCode
    currency: AssetCode
    price_scale: int
    """Units of price in one unit of currency, e.g. 1000 for three decimals."""
    maturity: Date
    service: str


class Trade(Record, frozen=True):
    """One bilateral trade: one record, signed by both, one UTI from birth."""

    uti: Uti
    buyer: Lei
    seller: Lei
    instrument: InstrumentCode
    quantity: int
    """Units of the instrument, positive."""
    price: int
    """In units of the instrument's price scale, positive."""
    trade_date: Date
    source: TradeSource
    reference: str
    """Free text of the parties."""


class Contract(Record, frozen=True):
    """A registered trade and where it stands."""

    trade: Trade
    state: ContractState
    height: int
    """Of the block that registered it."""


class Settled(Record, frozen=True):
    """What has moved as variation margin in one currency, seen from the set's first party."""

    asset: AssetCode
    settled: int
    notional: int
    """Sum of quantity * price of the live contracts, in minor units."""
    bound: int
    """Sum of quantity * the feed's value_max: no sum of values of the set can exceed it."""
    live: int
    """Number of live contracts."""


class NettingSet(Record, frozen=True):
    """Everything between two members that is netted bilaterally; first < second."""

    first: Lei
    second: Lei
    positions: tuple[Settled, ...]
    """One a currency, sorted by asset."""


class Limit(Record, frozen=True):
    """The most notional (minor units) a member accepts to have open with a counterparty."""

    notional_max: int


class Feed(Record, frozen=True):
    """What oracles mark once a business date."""

    code: FeedCode
    scale: int
    value_max: int
    """No mark and no price is higher: bounds the value of every contract before it is opened."""


class OracleMark(Record, frozen=True):
    """An oracle's latest mark of a feed."""

    date: Date
    value: int


class Mark(Record, frozen=True):
    """The median of a quorum of oracles for a feed and date; final once the date is closed."""

    value: int
    oracles: int


class Obligation(Record, frozen=True):
    """Debtor owes creditor an amount; the key is its id."""

    debtor: Lei
    creditor: Lei
    asset: AssetCode
    amount: int
    due: Date
    origin: Origin
    state: ObligationState


class RoundFigures(Record, frozen=True):
    """A round's figures in one asset, minor units."""

    asset: AssetCode
    gross: int
    """Of the frozen obligations."""
    set_off: int
    """Cancelled within pairs, both sides counted."""
    cleared: int
    """Cancelled in cycles."""
    objective: int
    """1 optimal, 2 maximal (greedy); 0 until cleared."""
    remaining: int
    """gross - set_off - cleared."""
    discharged: int
    """Of `remaining`, what settlement discharged."""
    cash_moved: int
    """Net cash that moved for it."""


class NettingRound(Record, frozen=True):
    """A multilateral netting round of one service, all its assets linked, and its figures."""

    number: int
    service: str
    date: Date
    state: RoundState
    root: bytes
    """RFC 6962 root of the frozen obligations: the round's id."""
    obligations: tuple[bytes, ...]
    """Ids of the frozen obligations, oldest first; empty once settled."""
    freeze_height: int
    links: tuple[bytes, ...]
    """Seed links revealed by the freezing block and the next."""
    settle_height: int
    figures: tuple[RoundFigures, ...]
    """One an asset, sorted."""
    failed: tuple[Lei, ...]
    liquidity_events: tuple[Lei, ...]


class PayIn(Record, frozen=True):
    """What a member has to hold free of an asset at a round's settlement."""

    amount: int


class Flow(Record, frozen=True):
    """What a round cancelled of one frozen obligation without cash."""

    cancelled: int
