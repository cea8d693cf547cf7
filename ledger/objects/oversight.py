"""What authorities may see, and the record of what they have looked at."""

from ledger.objects.enums import Product
from wire.codec import Record
from wire.ids import Date, Lei


class Mandate(Record, frozen=True):
    """What an authority is entitled to see; the key is (authority, reference)."""

    authority: Lei
    reference: str
    products: tuple[Product, ...]
    """Ascending; empty: all."""
    members: tuple[Lei, ...]
    """Whose business, ascending; empty: everybody's."""
    first_date: Date
    last_date: Date
    """Business dates, both included."""
    embargo_blocks: int
    """Between a look and the earliest that its disclosure is due; a routine report has none."""
    disclosure_blocks: int
    """From then on, to disclose it in."""
    basis: str
    """The law, or the agreement, that it rests on."""


class Look(Record, frozen=True):
    """One look by a person at a member's data. The ledger has its hash at once; this, later."""

    authority: Lei
    mandate: str
    """Reference of the mandate it was made under."""
    person: str
    """Who looked, by the name that the authority has for the person."""
    member: Lei
    """Whose data."""
    what: str
    """Which view, of what."""
    height: int
    """Of the data looked at."""
    time_ms: int
    """By the authority's clock."""
    purpose: str
    salt: bytes
    """32 random bytes: the hash shows nothing before it is disclosed."""


class CommittedLook(Record, frozen=True):
    """A look on record by its hash, and not disclosed yet; the key is (authority, hash)."""

    mandate: str
    routine: bool
    height: int
    due: int
    """Last block to disclose it in."""
    overdue: bool
