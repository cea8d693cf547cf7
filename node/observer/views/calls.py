"""Margin calls and disputes, and how old they are."""

from typing import Any, Final, Literal

import msgspec
from litestar import get

from node.api.errors import NotFound
from node.api.reading import Limit
from node.observer.showing import Page
from node.observer.sight import Asked, Before, CallId, Row, Seen, Sight, may_see, viewer_of
from node.observer.store import Reader

LIST: Final = Page("calls.html", "Calls and disputes", "calls")
ONE: Final = Page("call.html", "Call", "calls")


class IssuedCall(Row, frozen=True):
    """A margin call; minor units of the asset. Ages are from issue to settlement, or until now."""

    id: str
    issued: int
    kind: str
    payer: str
    receiver: str
    asset: str
    amount: int
    undisputed: int
    date: int
    due: int
    """Height at which it is collected."""
    grace_until: int
    state: str
    """As on the ledger; REPLACED by a later call, DISCHARGED with its debt."""
    ended: int
    """Height at which it was settled, replaced or discharged; 0: it is open."""
    age_blocks: int = 0
    age_ms: int = 0


class OpenedDispute(Row, frozen=True):
    """A variation margin on whose contracts the parties' marks differ; minor units, seen from the
    first party."""

    first: str
    second: str
    asset: str
    date: int
    opened: int
    value_first: int
    value_second: int
    moved: int
    """Undisputed, and moved at once."""
    contracts: int
    ended: int
    resolved_by: str
    age_blocks: int = 0
    age_ms: int = 0


class CallsView(Seen, frozen=True):
    """Calls and disputes, the oldest open ones first. `next`: the `before` of the page that
    follows, of calls that are not open."""

    which: Literal["open", "all"]
    calls: list[IssuedCall]
    disputes: list[OpenedDispute]
    next: int | None


class CallSeen(Seen, frozen=True):
    """A call, every time that it was issued, and what it is reckoned from."""

    calls: list[IssuedCall]
    reason: dict[str, Any]
    """Of the latest."""


CALL_COLUMNS: Final = (
    "id, issued, kind, payer, receiver, asset, amount, undisputed, date, due, grace_until, state, "
    "ended, height, rule"
)
DISPUTE_COLUMNS: Final = (
    "first, second, asset, date, opened, value_first, value_second, moved, contracts, ended, "
    "resolved_by, height, rule"
)


def call_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/calls", opt={"page": LIST}, sync_to_thread=True)
    def calls(
        request: Asked,
        which: Literal["open", "all"] = "open",
        before: Before = None,
        limit: Limit = 100,
    ) -> CallsView:
        """Open calls and disputes with their ages; with `which=all` settled ones too, the latest
        first. `before`: issued before this height."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            found = _open(db) if which == "open" else _all(db, before, limit)
            following = found[-1].issued if which == "all" and len(found) >= limit else None
            where = "WHERE ended=0" if which == "open" else ""
            query = f"SELECT {DISPUTE_COLUMNS} FROM disputes {where} ORDER BY opened LIMIT 500"
            return CallsView(
                which=which,
                calls=[
                    one
                    for one in aged(db, found)
                    if may_see(viewer, members=(one.payer, one.receiver), date=one.date)
                ],
                disputes=[
                    one
                    for one in _aged_disputes(db, db.all(OpenedDispute, query))
                    if may_see(viewer, members=(one.first, one.second), date=one.date)
                ],
                next=following,
                as_of_height=db.height,
                from_height=db.from_height,
            )

    @get("/calls/{call:str}", opt={"page": ONE}, sync_to_thread=True)
    def one_call(request: Asked, call: CallId) -> CallSeen:
        """A call by its id: every time that it was issued, with the marks and positions behind
        the latest."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            query = f"SELECT {CALL_COLUMNS} FROM calls WHERE id=? ORDER BY issued DESC LIMIT 100"
            found = db.all(IssuedCall, query, call)
            if not found or not may_see(
                viewer, members=(found[0].payer, found[0].receiver), date=found[0].date
            ):
                raise NotFound(f"call {call}")
            query = "SELECT reason FROM calls WHERE id=? AND issued=?"
            reason = msgspec.json.decode(db.scalar(query, found[0].id, found[0].issued))
            return CallSeen(
                calls=aged(db, found),
                reason=reason,
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [calls, one_call]


def _open(db: Reader) -> list[IssuedCall]:
    query = f"SELECT {CALL_COLUMNS} FROM calls WHERE ended=0 ORDER BY issued, id LIMIT 500"
    return db.all(IssuedCall, query)


def _all(db: Reader, before: int | None, limit: int) -> list[IssuedCall]:
    """The latest, whole heights at a time, so that a page follows without a gap."""
    below = db.height + 1 if before is None else before
    query = f"SELECT {CALL_COLUMNS} FROM calls WHERE issued<? ORDER BY issued DESC, id LIMIT ?"
    found = db.all(IssuedCall, query, below, limit)
    if len(found) < limit:
        return found
    last = found[-1].issued
    query = f"SELECT {CALL_COLUMNS} FROM calls WHERE issued=? ORDER BY id"
    return [call for call in found if call.issued > last] + db.all(IssuedCall, query, last)


def aged(db: Reader, calls: list[IssuedCall]) -> list[IssuedCall]:
    """The calls with their ages."""
    ages = _ages(db, [(call.issued, call.ended) for call in calls])
    return [
        msgspec.structs.replace(call, age_blocks=blocks, age_ms=ms)
        for call, (blocks, ms) in zip(calls, ages, strict=True)
    ]


def _aged_disputes(db: Reader, disputes: list[OpenedDispute]) -> list[OpenedDispute]:
    ages = _ages(db, [(one.opened, one.ended) for one in disputes])
    return [
        msgspec.structs.replace(one, age_blocks=blocks, age_ms=ms)
        for one, (blocks, ms) in zip(disputes, ages, strict=True)
    ]


def _ages(db: Reader, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(blocks, milliseconds) of spans of heights that end now if they end with 0."""
    if not spans:
        return []
    now = db.height
    heights = sorted({height for span in spans for height in (*span, now) if height})
    marks = ",".join("?" * len(heights))
    query = f"SELECT height, time_ms FROM blocks WHERE height IN ({marks})"
    times: dict[int, int] = dict(db.rows(query, *heights))
    found = []
    for begin, end in spans:
        last = end or now
        found.append((last - begin, times.get(last, 0) - times.get(begin, times.get(last, 0))))
    return found
