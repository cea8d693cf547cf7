"""Search by anything: the beginning of a LEI, UTI, hash, code or id, a number, a part of a name."""

import re
from collections.abc import Iterator
from typing import Any, Final

from litestar import get

from node.api.errors import BadRequest
from node.observer.showing import Page
from node.observer.sight import Asked, Row, Seen, Sight, Viewer, may_see, viewer_of
from node.observer.store import Reader
from wire.ids import member_of

PAGE: Final = Page("search.html", "Search", "search", live=False)

OF_A_KIND_MAX: Final = 8
"""Found of each kind; who wants more types on."""

QUERY_MAX: Final = 100

_HEX: Final = re.compile(r"[0-9a-f]{2,64}")
_UPPER: Final = re.compile(r"[0-9A-Z.\-]{1,52}")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")


class Hit(Row, frozen=True):
    """Something found: `id` under its kind, `label` what it is, `path` its view."""

    kind: str
    id: str
    label: str
    path: str


class FoundView(Seen, frozen=True):
    """What a search has found, a few of each kind."""

    query: str
    hits: list[Hit]


def search_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/search", opt={"page": PAGE}, sync_to_thread=True)
    def search(request: Asked, q: str = "") -> FoundView:
        """Members by LEI or name, trades by UTI, transactions, blocks and calls by the beginning
        of their id, blocks, rounds and cases by number, trades by instrument."""
        text = q.strip()
        if len(text) > QUERY_MAX:
            raise BadRequest(f"q has {len(text)} characters, at most {QUERY_MAX}")
        with sight.reader() as db:
            asked = text and text.isprintable()
            hits = list(_hits(db, viewer_of(request), text)) if asked else []
            return FoundView(
                query=text, hits=hits, as_of_height=db.height, from_height=db.from_height
            )

    return [search]


def _hits(db: Reader, viewer: Viewer, text: str) -> Iterator[Hit]:
    if _NUMBER.fullmatch(text):
        yield from _numbered(db, int(text))
    yield from _members(db, viewer, text)
    upper, lower = text.upper(), text.lower()
    if _UPPER.fullmatch(upper):
        yield from _trades(db, viewer, upper)
    if _HEX.fullmatch(lower):
        yield from _hashes(db, viewer, lower)


def _numbered(db: Reader, number: int) -> Iterator[Hit]:
    for (height,) in db.rows("SELECT height FROM blocks WHERE height=?", number):
        yield _hit("block", height, f"block {height}", f"/blocks/{height}", height)
    for found, date, height in db.rows(
        "SELECT number, date, height FROM rounds WHERE number=? OR date=? LIMIT ?",
        number, number, OF_A_KIND_MAX,
    ):  # fmt: skip
        yield _hit("round", found, f"netting round of {date}", f"/rounds/{found}", height)
    for defaulter, state, height in db.rows(
        "SELECT defaulter, state, height FROM cases WHERE number=?", number
    ):
        yield _hit("case", number, f"{defaulter}, {state}", f"/cases/{number}", height)


def _members(db: Reader, viewer: Viewer, text: str) -> Iterator[Hit]:
    """There are few members, so names may be looked through."""
    query = (
        "SELECT lei, name, height FROM members WHERE lei LIKE ? ESCAPE '\\' "
        "OR name LIKE ? ESCAPE '\\' ORDER BY lei LIMIT ?"
    )
    plain = re.sub(r"([\\%_])", r"\\\1", text)
    for lei, name, height in db.rows(query, f"{plain}%", f"%{plain}%", OF_A_KIND_MAX):
        if may_see(viewer, members=(lei,)):
            yield _hit("member", lei, name, f"/members/{lei}", height)


def _trades(db: Reader, viewer: Viewer, prefix: str) -> Iterator[Hit]:
    query = (
        "SELECT uti, buyer, seller, instrument, product, trade_date, height FROM trades "
        "WHERE uti>=? AND uti<? ORDER BY uti LIMIT ?"
    )
    for uti, buyer, seller, instrument, product, date, height in db.rows(
        query, prefix, f"{prefix}\x7f", OF_A_KIND_MAX
    ):
        if may_see(viewer, members=(buyer, seller), product=product, date=date):
            label = f"{member_of(buyer)} buys {instrument} from {member_of(seller)}"
            yield _hit("trade", uti, label, f"/trades/{uti}", height)


def _hashes(db: Reader, viewer: Viewer, prefix: str) -> Iterator[Hit]:
    span = (prefix, f"{prefix}g", OF_A_KIND_MAX)
    for ident, height in db.rows(
        "SELECT id, height FROM blocks WHERE id>=? AND id<? ORDER BY id LIMIT ?", *span
    ):
        yield _hit("block", ident, f"block {height}", f"/blocks/{height}", height)
    for ident, kind, height, signers in db.rows(
        "SELECT id, kind, height, signers FROM transactions WHERE id>=? AND id<? "
        "ORDER BY id LIMIT ?",
        *span,
    ):
        if may_see(viewer, members=signers.split()):
            label = f"{kind} in block {height}"
            yield _hit("transaction", ident, label, f"/transactions/{ident}", height)
    for ident, kind, payer, receiver, date, height in db.rows(
        "SELECT id, kind, payer, receiver, date, height FROM calls WHERE id>=? AND id<? "
        "ORDER BY id LIMIT ?",
        *span,
    ):
        if may_see(viewer, members=(payer, receiver), date=date):
            label = f"{kind} call on {payer}, {date}"
            yield _hit("call", ident, label, f"/calls/{ident}", height)


def _hit(kind: str, ident: str | int, label: str, path: str, height: int) -> Hit:
    rule = "the index of the read store"
    return Hit(kind=kind, id=str(ident), label=label, path=path, height=height, rule=rule)
