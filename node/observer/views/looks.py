"""Mandates of authorities, and their looks: on record at once, in full after the embargo."""

from typing import Any, Final

import msgspec
from litestar import get

from node.api.reading import Limit
from node.observer.showing import Page
from node.observer.sight import Asked, Before, Row, Seen, Sight
from node.observer.store import Reader

PAGE: Final = Page("looks.html", "Looks", "looks")

GRANTED: Final = "the mandate of the state, granted by vote"


class SeenMandate(Row, frozen=True):
    """What an authority is entitled to see. Empty products or members: all."""

    authority: str
    reference: str
    products: str
    members: str
    first_date: int
    last_date: int
    embargo_blocks: int
    disclosure_blocks: int
    basis: str
    revoked: int
    """Height at which it ended; 0: it is in force."""


class SeenLook(Row, frozen=True):
    """A look of an authority: its hash, and once it is disclosed, to the member concerned and the
    authority, the rest."""

    authority: str
    mandate: str
    digest: str
    routine: bool
    committed: int
    due: int
    """Last block to disclose it in."""
    disclosed: int
    """Height; 0: not yet."""
    overdue: bool
    """Whether it was not disclosed in time."""
    member: str
    person: str
    what: str
    purpose: str
    at_height: int
    """Of the data looked at."""
    time_ms: int


class LooksView(Seen, frozen=True):
    """Looks, newest first. `next`: the `before` of the page that follows."""

    looks: list[SeenLook]
    mandates: list[SeenMandate]
    overdue: int
    """Looks that should have been disclosed and are not."""
    next: int | None


def look_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/looks", opt={"page": PAGE}, sync_to_thread=True)
    def looks(request: Asked, before: Before = None, limit: Limit = 100) -> LooksView:
        """Looks of authorities at members' data: hashes of all; who, when, what and why of those
        at the own member's data that are disclosed. `before`: committed before this height."""
        del request
        with sight.reader() as db:
            found = _looks(db, before, limit)
            return LooksView(
                looks=found,
                mandates=_mandates(db),
                overdue=db.scalar(
                    "SELECT COUNT(*) FROM main.looks WHERE overdue>0 AND disclosed=0"
                ),
                next=found[-1].committed if len(found) >= limit else None,
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [looks]


def _looks(db: Reader, before: int | None, limit: int) -> list[SeenLook]:
    """Whole heights at a time, so that a page follows without a gap."""
    columns = (
        "SELECT authority, mandate, digest, routine, committed, due, disclosed, overdue, member, "
        "person, what, purpose, at_height, time_ms, height, "
        "'mandate ' || mandate || ' of ' || authority AS rule FROM looks "
    )
    below = db.height + 1 if before is None else before
    query = f"{columns} WHERE committed<? ORDER BY committed DESC, digest LIMIT ?"
    found = db.all(SeenLook, query, below, limit)
    if len(found) >= limit:
        last = found[-1].committed
        found = [one for one in found if one.committed > last]
        found += db.all(SeenLook, f"{columns} WHERE committed=? ORDER BY digest", last)
    return [_with_flags(one) for one in found]


def _with_flags(one: SeenLook) -> SeenLook:
    """SQLite knows no booleans."""
    return msgspec.structs.replace(one, routine=bool(one.routine), overdue=bool(one.overdue))


def _mandates(db: Reader) -> list[SeenMandate]:
    query = (
        "SELECT authority, reference, products, members, first_date, last_date, embargo_blocks, "
        "disclosure_blocks, basis, revoked, height, ? AS rule FROM mandates "
        "ORDER BY authority, reference"
    )
    return db.all(SeenMandate, query, GRANTED)
