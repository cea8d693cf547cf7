"""Trades, limits and marks."""

from wire.errors import Rejection


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


class DatedAhead(Rejection):
    """The trade is dated after the business date that follows the open one."""

    code = "TRADE_DATED_AHEAD"
    remedy = "Register it when its date has come; a trade of the past may be registered any time."


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


class NothingToPay(Rejection):
    """No debt of the kind waits: none is owed, or a round holds it."""

    code = "DEBT_NONE"
    remedy = "`dcn ledger` shows the obligations; what a round holds is settled with the round."


class NoRoundToStayOutOf(Rejection):
    """A party cannot stay out of, or come back into, the rounds of this date now."""

    code = "ROUND_STAY_OUT"
    remedy = "Announce it for the open business date or one to come, before its round is frozen."
