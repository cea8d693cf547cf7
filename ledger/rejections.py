"""Why the ledger refuses a transaction: one class a reason, with a stable code and a remedy."""

from wire.errors import Rejection


class WrongChain(Rejection):
    """The transaction names another chain id than this network's."""

    code = "TX_WRONG_CHAIN"
    remedy = "Sign for this network's chain id (`dcn status` shows it)."


class Expired(Rejection):
    """The transaction's valid-until height has passed."""

    code = "TX_EXPIRED"
    remedy = "Sign it again with a later valid-until height."


class TooFarAhead(Rejection):
    """The valid-until height lies further ahead than nonces are remembered."""

    code = "TX_VALID_UNTIL_TOO_FAR"
    remedy = "Choose a valid-until height at most VALID_UNTIL_HEIGHTS_MAX ahead."


class NonceReused(Rejection):
    """The signing key has used this nonce before."""

    code = "TX_NONCE_REUSED"
    remedy = "Draw a fresh nonce; if this was a retry, the first one is on its way or decided."


class WrongSigners(Rejection):
    """Not exactly those who must sign have signed.

    A transaction's id does not depend on its signatures, so whoever adds or takes away one could
    have the id of somebody else's transaction refused for good: no block may hold such a copy.
    """

    code = "TX_WRONG_SIGNERS"
    remedy = "Send exactly one signature for each party, by a key of the right role."


class MissingSignature(WrongSigners):
    """A party that must sign has not signed."""

    code = "TX_SIGNATURE_MISSING"
    remedy = "Collect the signature of every party named."


class SurplusSignature(WrongSigners):
    """A key has signed that is not a party's, or one has signed twice."""

    code = "TX_SIGNATURE_SURPLUS"
    remedy = "Send exactly one signature for each party."


class UnknownKey(WrongSigners):
    """A signing key belongs to no member."""

    code = "TX_UNKNOWN_KEY"
    remedy = "Sign with a key that is registered on the ledger."


class WrongKeyRole(WrongSigners):
    """The key's role does not cover this action."""

    code = "TX_WRONG_KEY_ROLE"
    remedy = "Sign with the member's key of the role named."


class UnknownMember(Rejection):
    """No member has this LEI."""

    code = "MEMBER_UNKNOWN"
    remedy = "Check the LEI; members are listed by `dcn account --members`."


class MemberNotActive(Rejection):
    """The member is not in a state in which it may do this."""

    code = "MEMBER_NOT_ACTIVE"
    remedy = "Wait until the member is active again, or wind the position down by the rules."


class NotATrader(Rejection):
    """A party of a trade takes part in the network, but not as a member that trades."""

    code = "TRADE_NOT_A_MEMBER"
    remedy = "Trade with members; oracles, regulators and issuers as such have no contracts."


class NotAnOracle(Rejection):
    """The signer is not an oracle."""

    code = "ORACLE_NOT_AUTHORISED"
    remedy = "Only members with the oracle role mark feeds."


class UnknownFeed(Rejection):
    """No feed has this code."""

    code = "ORACLE_UNKNOWN_FEED"
    remedy = "Mark only feeds of the ledger."


class DateNotOpen(Rejection):
    """The business date is closed already or not open yet."""

    code = "ORACLE_DATE_NOT_OPEN"
    remedy = "Mark the open business date; corrections of closed dates are new transactions."


class BadMark(Rejection):
    """A mark is not a positive price in range, or a feed stands twice in one transaction."""

    code = "ORACLE_BAD_MARK"
    remedy = "Give each feed once, with a positive integer in the feed's scale."


class UnknownAsset(Rejection):
    """No asset has this code."""

    code = "ASSET_UNKNOWN"
    remedy = "Check the asset code."


class NotTheIssuer(WrongSigners):
    """Only an asset's issuer mints and redeems it."""

    code = "ASSET_NOT_ISSUER"
    remedy = "Ask the issuer."


class BadAmount(Rejection):
    """An amount is not a positive integer inside the limits, or a sum would leave them."""

    code = "AMOUNT_OUT_OF_RANGE"
    remedy = "Give a positive amount in minor units, below 2^62, sums included."


class InsufficientFunds(Rejection):
    """The account's free balance is smaller than the amount."""

    code = "CASH_INSUFFICIENT"
    remedy = "Fund the account first; locked amounts are not free."


class SelfTransfer(Rejection):
    """Sender and receiver are one member."""

    code = "CASH_SELF_TRANSFER"
    remedy = "Name another receiver."


class SelfTrade(Rejection):
    """Buyer and seller are one member."""

    code = "TRADE_SELF"
    remedy = "A trade has two parties."


class DuplicateUti(Rejection):
    """The UTI is registered already."""

    code = "TRADE_UTI_EXISTS"
    remedy = "Look the trade up; a new trade takes a new UTI."


class UnknownInstrument(Rejection):
    """No instrument has this code."""

    code = "TRADE_UNKNOWN_INSTRUMENT"
    remedy = "Trade instruments of the ledger."


class BadTrade(Rejection):
    """A field of the trade is outside its range."""

    code = "TRADE_OUT_OF_RANGE"
    remedy = "Quantity and price are positive integers in the instrument's scale."


class BadBatch(Rejection):
    """A batch is empty, too long, or has trades of more than one pair."""

    code = "TRADE_BATCH_INVALID"
    remedy = "Put 1 to BATCH_TRADES_MAX trades of one pair of members in a batch."


class InstrumentMatured(Rejection):
    """The instrument's last date has passed."""

    code = "TRADE_INSTRUMENT_MATURED"
    remedy = "Trade a later maturity."


class LimitReached(Rejection):
    """The trade would take the open notional above a member's limit for the counterparty."""

    code = "TRADE_LIMIT_REACHED"
    remedy = "Reduce the position, or have the member raise its limit (SetLimit)."


class TextTooLong(Rejection):
    """A text is longer than TEXT_CHARS_MAX characters."""

    code = "TX_TEXT_TOO_LONG"
    remedy = "Shorten it."


class MemberExists(Rejection):
    """The LEI has applied or is a member already."""

    code = "MEMBER_EXISTS"
    remedy = "Look it up (`dcn account LEI`); a member changes its keys with RotateKey."


class BadApplication(Rejection):
    """An application or a key change contradicts itself."""

    code = "MEMBER_APPLICATION_INVALID"
    remedy = "Name each key and role once, and a seed chain exactly with a consensus key."


class KeyTaken(Rejection):
    """A key is on the ledger already; every key has one owner and one role for ever."""

    code = "KEY_TAKEN"
    remedy = "Make a new key."


class NotYourKey(Rejection):
    """The key to be replaced is not a key of this member and role."""

    code = "KEY_NOT_YOURS"
    remedy = "Name the key in use (`dcn keys`), or none if there has been none."


class NotAValidatorMember(Rejection):
    """The member has no consensus key, or no power, to do this with."""

    code = "VALIDATOR_NOT_ONE"
    remedy = "Register a consensus key with RotateKey first; power is given by a vote (SetPower)."


class BadPower(Rejection):
    """The validator set would be empty, too large, or have too much power."""

    code = "VALIDATOR_SET_INVALID"
    remedy = "Keep 1 to VALIDATORS_MAX validators and a total power below 2^60."


class WrongMemberState(Rejection):
    """The member is not in the state that this starts from."""

    code = "MEMBER_WRONG_STATE"
    remedy = "Admit applicants, suspend active members, reinstate suspended ones."


class UnknownProposal(Rejection):
    """No proposal has this number."""

    code = "PROPOSAL_UNKNOWN"
    remedy = "Proposals are listed by `dcn governance list`."


class ProposalClosed(Rejection):
    """Votes on this proposal have been counted."""

    code = "PROPOSAL_CLOSED"
    remedy = "Open a new proposal."


class NotEntitled(Rejection):
    """The member is not of the electorate, or has an interest of its own in the proposal."""

    code = "VOTE_NOT_ENTITLED"
    remedy = (
        "See the electorate in the rulebook; whom a proposal is about, and its group, do not vote."
    )


class BadRulebook(Rejection):
    """The parameters are out of range, or not the next version of the ones in force."""

    code = "RULEBOOK_INVALID"
    remedy = "Start from the rulebook in force, raise its version by one, and keep every range."


class BadSettlementBatch(Rejection):
    """A settlement batch has no legs, too many, or a leg that cannot be."""

    code = "BATCH_INVALID"
    remedy = "Name 1 to BATCH_LEGS_MAX legs between two members each, and take part in one of them."


class BatchExists(Rejection):
    """The creator has used this reference for a batch before."""

    code = "BATCH_EXISTS"
    remedy = "Choose another reference."


class UnknownBatch(Rejection):
    """The creator has no batch of this reference."""

    code = "BATCH_UNKNOWN"
    remedy = "Check creator and reference."


class BatchClosed(Rejection):
    """The batch is irrevocable, settled or cancelled."""

    code = "BATCH_CLOSED"
    remedy = "Nothing final is undone; instruct a new batch the other way."


class NotAParty(Rejection):
    """The member has no leg of the batch that this is about, or has done it already."""

    code = "BATCH_NOT_A_PARTY"
    remedy = "Senders allocate, receivers approve, each once."


class BadRecovery(Rejection):
    """A recovery does not fit the chain, contradicts itself, or too few members have signed it."""

    code = "RECOVERY_INVALID"
    remedy = "Draft it anew on the home with the highest block; `dcn recover show` says who signed."


class BlockRefused(Rejection):
    """A block breaks a rule that makes all of it invalid, whatever its transactions say."""

    code = "BLOCK_INVALID"
    remedy = "None for a user: its proposer is at fault, validators prevote nil."
