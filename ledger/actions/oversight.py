"""The record that an authority keeps of its looks at members' data."""

from ledger.objects import Look
from wire.codec import Digest, Record
from wire.ids import Lei


class CommitLooks(Record, frozen=True, tag=68):
    """An authority commits, by hash and at once, to what its people have looked at."""

    authority: Lei
    mandate: str
    routine: bool
    """Reports that everybody knows are made: due for disclosure without an embargo."""
    digests: tuple[Digest, ...]


class DiscloseLooks(Record, frozen=True, tag=69):
    """An authority says what it has looked at."""

    authority: Lei
    looks: tuple[Look, ...]
