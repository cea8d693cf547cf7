"""Why a transaction may not act at all: its network, window, nonce, signers, form."""

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


class TextTooLong(Rejection):
    """A text is longer than TEXT_CHARS_MAX characters."""

    code = "TX_TEXT_TOO_LONG"
    remedy = "Shorten it."
