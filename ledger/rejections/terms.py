"""Bilateral terms, initial margin, calls and the life of a contract."""

from wire.errors import Rejection


class CsaExists(Rejection):
    """The two parties have a CSA."""

    code = "CSA_EXISTS"
    remedy = "Amend it (AmendCsa) with the next version."


class NoCsa(Rejection):
    """The two parties have no CSA."""

    code = "CSA_UNKNOWN"
    remedy = "Register one (RegisterCsa), signed by both."


class BadCsa(Rejection):
    """A CSA says what cannot be, or lies outside the bounds of the rulebook."""

    code = "CSA_INVALID"
    remedy = "Correct what is named; `dcn rulebook` shows the bounds."


class ImShort(Rejection):
    """The initial margin that a trade needs cannot be locked."""

    code = "IM_SHORT"
    remedy = "Bring eligible assets to the own account first, or trade less."


class NotEligible(Rejection):
    """The asset cannot be posted: the CSA does not list it, or the poster's group issues it."""

    code = "IM_NOT_ELIGIBLE"
    remedy = "Post an asset that the CSA lists and that the poster's group has not issued."


class OwnIssued(Rejection):
    """A party would have to pay, or post, in what its own group issues."""

    code = "ASSET_OWN_ISSUED"
    remedy = (
        "Settle in an asset that neither party's group issues: a promise of one's own pays nothing."
    )


class ImNotFree(Rejection):
    """Initial margin cannot leave custody now."""

    code = "IM_NOT_FREE"
    remedy = "Meet open calls and settle disputes first; only what exceeds the requirement leaves."


class UnknownCall(Rejection):
    """No open margin call has this id."""

    code = "CALL_UNKNOWN"
    remedy = "See the open calls (`dcn status`, `/v1/calls`); a settled call is closed."


class NotDisputable(Rejection):
    """This call cannot be disputed, or not any more, or not by this member."""

    code = "CALL_NOT_DISPUTABLE"
    remedy = (
        "The payer disputes an issued IM call before it falls due; marks are disputed by marks."
    )


class UnknownContract(Rejection):
    """No live contract has this UTI."""

    code = "CONTRACT_NOT_LIVE"
    remedy = "Check the UTI (`dcn trade list`); only live contracts can change."


class BadChange(Rejection):
    """A contract cannot be changed in this way."""

    code = "CONTRACT_CHANGE_INVALID"
    remedy = "Correct what is named."


class NothingPending(Rejection):
    """Nothing waits for this consent."""

    code = "CONTRACT_NOTHING_PENDING"
    remedy = "Ask first (RequestTermination, ProposeNovation), or again: requests expire."


class BadMarks(Rejection):
    """A party's marks cannot be taken."""

    code = "MARKS_INVALID"
    remedy = "Commit for the open date first; reveal what the commitment says, once both have."
