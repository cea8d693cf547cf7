"""The enumerations of the ledger's rows: stable numbers on the wire."""

from enum import IntEnum


class Role(IntEnum):
    """What a member is on the network; a member may have several."""

    MEMBER = 1
    VALIDATOR = 2
    ORACLE = 3
    REGULATOR = 4
    ISSUER = 5
    ATTESTOR = 6
    """Attests who applicants are and what capital they have; for money, nothing else."""


class Standing(IntEnum):
    """Where a member stands on the white list, which its state says nothing about."""

    LISTED = 1
    CURING = 2
    """Its attestation has expired; the cure window of the rulebook is open, nothing has changed."""
    BLOCKED = 3
    """It starts no transaction and is paid into its blocked account; what it owes still settles."""


class MemberState(IntEnum):
    """Where a member stands between admission and exit."""

    APPLIED = 1
    ACTIVE = 2
    SUSPENDED = 3
    DEFAULTED = 4
    RESIGNING = 5
    EXITED = 6


class KeyRole(IntEnum):
    """What a key may sign."""

    TRADE = 1
    TREASURY = 2
    GOVERNANCE = 3
    ORACLE = 4
    CONSENSUS = 5
    """Votes and proposals; never a transaction, except to show that it is held."""
    PEER = 6
    """The node's side of a connection; as above."""
    BOOTSTRAP = 7
    """The network's first steps, until it is retired; no member's."""


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
    FUTURE = 2
    """As a forward, but fungible: trades in it can be compressed."""
    TOTAL_RETURN_SWAP = 3
    """Price change and income against a financing leg."""
    FX_SPOT = 4
    FX_FORWARD = 5
    BOND = 6
    """A security, delivered against payment on the last date; margined until then."""


class AssetClass(IntEnum):
    """Risk classes of the standard schedule (BCBS-IOSCO 2020, appendix A)."""

    CREDIT = 1
    RATES = 2
    FX = 3
    EQUITY = 4
    COMMODITY = 5
    OTHER = 6


class Side(IntEnum):
    """A party of a contract."""

    BUYER = 1
    SELLER = 2


class CsaMode(IntEnum):
    """What variation margin is."""

    SETTLED = 1
    """Settled to market: each payment settles the exposure for good."""
    COLLATERALISED = 2
    """Collateralised to market: a balance that goes back, with interest."""


class MarkSource(IntEnum):
    """Whose marks value a pair's contracts."""

    ORACLES = 1
    PARTIES = 2
    """Both commit to and reveal their own; oracles where they disagree or are silent."""


class ImModel(IntEnum):
    """How initial margin is reckoned."""

    FIXED = 1
    SCHEDULE = 2
    """The standard schedule of BCBS-IOSCO."""
    HISTORICAL = 3
    """Historical simulation over the ledger's own marks."""
    EXTERNAL = 4
    """Amounts that both have agreed outside."""


class Procyclicality(IntEnum):
    """What keeps historical initial margin from rising just when markets fall (EMIR RTS 28)."""

    BUFFER = 1
    """A quarter on top."""
    STRESS_WEIGHT = 2
    """A weight on a stressed period."""
    LONG_FLOOR = 3
    """Never below what a long look-back gives."""


class CallKind(IntEnum):
    """What a margin call is for."""

    VM = 1
    IM = 2
    INTRADAY = 3
    """Variation margin between two closes of the date."""
    REPLENISH = 4


class CallState(IntEnum):
    """Where a call stands."""

    ISSUED = 1
    AGREED = 2
    DISPUTED = 3
    SETTLED = 4
    FAILED = 5


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
    RECOMPUTED = 4
    """A member that has defaulted was in it: its other obligations are in a later round."""


class OffenceKind(IntEnum):
    """What a validator must never do; each is shown by its own signatures."""

    DOUBLE_VOTE = 1
    """Two votes of one kind for different blocks in one round."""
    DOUBLE_PROPOSAL = 2
    """Two proposals in one round."""
    FORGED_HEADER = 3
    """A precommit for a header that contradicts what the chain had already determined."""


class Electorate(IntEnum):
    """Whose votes decide a proposal."""

    VALIDATORS = 1
    """Active validators, by their power."""
    MEMBERS = 2
    """Active members, one vote each."""
    COMMITTEE = 3
    """The default committee that the rulebook names, one vote each."""


class ProposalKind(IntEnum):
    """What can be proposed; the number is the tag of the proposal's body."""

    ADMIT_MEMBER = 1
    SET_POWER = 2
    SUSPEND_MEMBER = 3
    REINSTATE_MEMBER = 4
    RECOVER_KEY = 5
    AMEND_RULEBOOK = 6
    LIST_ASSET = 7
    LIST_FEED = 8
    LIST_INSTRUMENT = 9
    EXTEND_CALENDAR = 10
    SET_ROLES = 11
    SET_GROUP = 12
    NOTE_DEFAULT = 13
    WITHDRAW_NOTICE = 14
    GRANT_MANDATE = 15
    REVOKE_MANDATE = 16


class Clause(IntEnum):
    """The rule that a decision rests on: a chapter of the rulebook."""

    VOTE = 1
    EVIDENCE = 2
    RECOVERY = 3
    WHITE_LIST = 4
    RESIGNATION = 5
    BOOTSTRAP = 6
    SETTLEMENT = 7
    MARGIN = 8
    FEES = 9
    DEFAULT = 10
    CLOSE_OUT = 11
    WATERFALL = 12
    FUND = 13
    RECOVERIES = 14


class ProposalState(IntEnum):
    """Where a proposal stands."""

    OPEN = 1
    ADOPTED = 2
    """Waits for its activation height."""
    REJECTED = 3
    ENACTED = 4
    FAILED = 5
    """Adopted, but at activation the ledger did not allow it any more; see the event."""


class BatchState(IntEnum):
    """Where a settlement batch stands."""

    INSTRUCTED = 1
    IRREVOCABLE = 2
    """Every sender has allocated and every receiver approved; it waits for its date."""
    SETTLED = 3
    CANCELLED = 4
    IN_NETTING = 5
    """Its legs are debts of one instruction, and wait for a round that settles all of them."""
