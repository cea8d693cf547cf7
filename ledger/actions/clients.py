"""Client sub-accounts of a member."""

from wire.codec import Record
from wire.ids import Lei


class OpenClientAccount(Record, frozen=True, tag=40):
    """A member opens an account for a client, apart from its house and from its other clients."""

    member: Lei
    reference: str
    """1 to 16 of [0-9A-Z]; the party is `LEI:REFERENCE`."""
    name_hash: bytes
    """SHA-256 of who the client is."""


class CloseClientAccount(Record, frozen=True, tag=41):
    """A member closes a client's account, in which nothing is left."""

    member: Lei
    reference: str
