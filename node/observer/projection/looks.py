"""Mandates of authorities and looks under them: committed by hash, disclosed, or overdue."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ledger import objects as o
from ledger.events import Event, LookDisclosed, LookOverdue, LooksCommitted
from ledger.mandates import digest_of
from node.observer.projection.writing import Context, upsert
from node.observer.store import Statement

MANDATE: Final = upsert(
    "mandates", ("authority", "reference"), "products", "members", "first_date", "last_date",
    "embargo_blocks", "disclosure_blocks", "basis", "revoked", "height", kept=("granted",),
)  # fmt: skip
REVOKED: Final = "UPDATE mandates SET revoked=?, height=? WHERE authority=? AND reference=?"

COMMITTED: Final = upsert(
    "looks", ("authority", "digest"), "mandate", "routine", "committed", "due", "height",
    kept=("disclosed", "overdue", "member", "person", "what", "at_height", "time_ms", "purpose"),
)  # fmt: skip
DISCLOSED: Final = upsert(
    "looks", ("authority", "digest"), "member", "person", "what", "at_height", "time_ms",
    "purpose", "disclosed", "height",
    kept=("mandate", "routine", "committed", "due", "overdue"),
)  # fmt: skip
OVERDUE: Final = "UPDATE looks SET overdue=?, height=? WHERE authority=? AND digest=?"


def mandate(context: Context, parts: tuple[Any, ...], row: o.Mandate | None) -> Iterator[Statement]:
    """A mandate as the state has it."""
    if row is None:
        yield REVOKED, (context.height, context.height, *parts)
        return
    yield MANDATE, (
        row.authority, row.reference, " ".join(o.Product(one).name for one in row.products),
        " ".join(row.members), row.first_date, row.last_date, row.embargo_blocks,
        row.disclosure_blocks, row.basis, 0, context.height, context.height,
    )  # fmt: skip


def events(context: Context, happened: Iterable[Event]) -> Iterator[Statement]:
    """Looks as a block puts them on record."""
    height = context.height
    for event in happened:
        match event:
            case LooksCommitted(authority=authority, mandate=reference, routine=routine):
                for digest in event.digests:
                    yield COMMITTED, (
                        authority, digest.hex(), reference, int(routine), height, event.due,
                        height, 0, 0, "", "", "", 0, 0, "",
                    )  # fmt: skip
            case LookDisclosed(look=look):
                # It has a line, unless the store began with a snapshot after it was committed.
                yield DISCLOSED, (
                    look.authority, digest_of(look).hex(), look.member, look.person, look.what,
                    look.height, look.time_ms, look.purpose, height, height, look.mandate, 0, 0,
                    0, 0,
                )  # fmt: skip
            case LookOverdue(authority=authority, digest=digest):
                yield OVERDUE, (height, height, authority, digest.hex())
            case _:
                pass
