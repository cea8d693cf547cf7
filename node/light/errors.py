"""What a light client can fail of."""

from wire.errors import EnvironmentFault, PeerFault, Rejection


class BadTrustOptions(Rejection):
    """A trust level, trusting period or clock drift is out of its range."""

    code = "LIGHT_BAD_OPTIONS"
    remedy = "Trust level from 1/3 to 1, a trusting period above 0, a clock drift from 0."


class BadHeaderName(Rejection):
    """What should name a trusted header is not of the form HEIGHT:ID."""

    code = "LIGHT_BAD_HEADER_NAME"
    remedy = "Height, colon, and the block's id as 64 hex digits; `dcn block latest` shows both."


class TrustExpired(EnvironmentFault):
    """The newest trusted header is older than the trusting period: its signers may be gone."""

    code = "LIGHT_TRUST_EXPIRED"
    remedy = (
        "Name a recent header that you have from a source of your own: --trust HEIGHT:ID. If its "
        "validators can be held to account for longer: --trusting-period DAYS."
    )


class NoProvider(EnvironmentFault):
    """No node is left to ask, or none to compare the answers with."""

    code = "LIGHT_NO_PROVIDER"
    remedy = "Name more nodes, of different members: --node and --witness."


class WrongRoot(PeerFault):
    """The header that trust is to begin with is not what was named, or its commit is not good."""

    code = "LIGHT_WRONG_ROOT"
    remedy = "Compare height and id with another source; ask another node."


class Lied(PeerFault):
    """A node sent a light block that does not verify, or not the one that was asked for."""

    code = "LIGHT_BLOCK_INVALID"
    remedy = "None for a user: the node is not asked again."


class HeightNotReached(Rejection):
    """The height asked for is above the newest block that the nodes have."""

    code = "LIGHT_HEIGHT_NOT_REACHED"
    remedy = "Wait until the network has decided it, or ask for `latest`."
