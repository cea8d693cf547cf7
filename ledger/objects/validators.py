"""What the ledger remembers of validators and recent blocks, so that evidence can be judged."""

from ledger.objects.enums import OffenceKind
from wire.codec import Record
from wire.ids import Lei


class ConsensusKey(Record, frozen=True):
    """Whose votes a key has signed, and at which heights; the row stays when the key goes."""

    member: Lei
    since: int
    """First height it may vote at."""
    until: int
    """First height it may no longer vote at; 0 while it votes."""


class RecentBlock(Record, frozen=True):
    """A decided block, while evidence about its height can still be brought."""

    block_id: bytes
    derived: bytes
    """Digest of the header fields that the chain had determined before anybody proposed it."""
    time_ms: int
    first_round: int
    """Above 0 after a recovery: what was signed in earlier rounds was under other validators."""


class Offence(Record, frozen=True):
    """Evidence that has been acted on; the key is (consensus key, height of the offence)."""

    member: Lei
    kind: OffenceKind
    height: int
    """Of the block that carried the evidence."""
