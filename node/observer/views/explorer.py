"""The explorer: blocks, transactions, trades."""

from typing import Annotated, Any, Final

import msgspec
from litestar import get
from litestar.params import QueryParameter

from node.api.errors import HeightPruned, NotFound
from node.api.reading import After, Height, Ident, Limit, number_of
from node.observer.showing import Page
from node.observer.sight import AfterPosition, Asked, Before, Row, Seen, Sight, may_see, viewer_of
from node.observer.store import Reader, said
from node.observer.views.network import Decided, decided_blocks

RECEIPT: Final = "its receipt, under the receipts root of the next header"
REGISTERED: Final = "registration: both parties have signed the same terms"

BLOCKS: Final = Page("blocks.html", "Blocks", "explorer")
BLOCK: Final = Page("block.html", "Block", "explorer", live=False)
TRANSACTION: Final = Page("transaction.html", "Transaction", "explorer", live=False)
TRADES: Final = Page("trades.html", "Trades", "trades")
TRADE: Final = Page("trade.html", "Trade", "trades")

IN_BLOCK_MAX: Final = 500
"""Transactions shown of a block at a time."""


class BlocksView(Seen, frozen=True):
    """Blocks, newest first. `next`: the `before` of the page that follows."""

    blocks: list[Decided]
    next: int | None


class DecidedTransaction(Row, frozen=True):
    """A transaction and what became of it."""

    position: int
    id: str
    kind: str
    code: str
    detail: str
    signers: str
    """LEIs, separated by spaces."""


class BlockSeen(Seen, frozen=True):
    """A block. `next`: the `after` of its transactions that follow."""

    block: Decided
    header: dict[str, Any]
    """As the validators signed it."""
    signers: list[str]
    events: int
    transactions: list[DecidedTransaction]
    next: int | None
    previous_block: int | None
    next_block: int | None


class TransactionSeen(Seen, frozen=True):
    """A transaction: what it asked for, and its receipt. Proofs are of rows of the state: see
    `/v1/proof`, and `/v1/round-proof` for what a netting round did."""

    transaction: DecidedTransaction
    body: dict[str, Any]


class ListedTrade(Row, frozen=True):
    """A registered trade. `notional`: quantity at its price, minor units of the currency."""

    uti: str
    buyer: str
    seller: str
    instrument: str
    product: str
    currency: str
    quantity: int
    price: int
    price_scale: int
    notional: int
    trade_date: int
    maturity: int
    source: str
    reference: str
    state: str
    registered: int


class TradesView(Seen, frozen=True):
    """Trades in order of UTI. `next`: the `after` of the page that follows."""

    trades: list[ListedTrade]
    next: str | None


class TradeSeen(Seen, frozen=True):
    """A trade, and the transactions that registered it."""

    trade: ListedTrade
    transactions: list[DecidedTransaction]
    """Of the block that registered it: those of its parties."""


TRADE_COLUMNS: Final = (
    "uti, buyer, seller, instrument, product, currency, quantity, price, price_scale, notional, "
    f"trade_date, maturity, source, reference, state, registered, height, {said(REGISTERED)}"
)
LINE_COLUMNS: Final = f"height, position, id, kind, code, detail, signers, {said(RECEIPT)}"


def explorer_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/blocks", opt={"page": BLOCKS}, sync_to_thread=True)
    def blocks(request: Asked, before: Before = None, limit: Limit = 50) -> BlocksView:
        """Blocks, newest first. `before`: older than this height."""
        del request
        with sight.reader() as db:
            found = decided_blocks(db, limit, before)
            more = bool(found) and found[-1].height > db.from_height
            following = found[-1].height if more else None
            return BlocksView(
                blocks=found, next=following, as_of_height=db.height, from_height=db.from_height
            )

    @get("/blocks/{height:str}", opt={"page": BLOCK}, sync_to_thread=True)
    def block(
        request: Asked, height: Height, after: AfterPosition = -1, limit: Limit = IN_BLOCK_MAX
    ) -> BlockSeen:
        """A block by height or `latest`, with its transactions. `after`: behind this position."""
        del request
        with sight.reader() as db:
            number = db.height if height == "latest" else number_of(height)
            return _block(db, number, after, limit)

    @get("/transactions/{ident:str}", opt={"page": TRANSACTION}, sync_to_thread=True)
    def transaction(request: Asked, ident: Ident) -> TransactionSeen:
        """A decided transaction by its id."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            query = f"SELECT {LINE_COLUMNS} FROM transactions WHERE id=?"
            found = db.first(DecidedTransaction, query, ident)
            if found is None or not may_see(viewer, members=found.signers.split()):
                raise NotFound(f"transaction {ident[:64]}")
            query = "SELECT body FROM transactions WHERE height=? AND position=?"
            body = msgspec.json.decode(db.scalar(query, found.height, found.position))
            return TransactionSeen(
                transaction=found,
                body=body,
                as_of_height=db.height,
                from_height=db.from_height,
            )

    @get("/trades", opt={"page": TRADES}, sync_to_thread=True)
    def trades(
        request: Asked,
        member: str = "",
        in_state: Annotated[str, QueryParameter(name="state")] = "",
        after: After = "",
        limit: Limit = 50,
    ) -> TradesView:
        """Trades in order of UTI. `member`: only with this LEI or a client of it as a party;
        `state`: only in this one, e.g. LIVE."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            found = _trades(db, member, in_state, after, limit + 1)
            shown = found[:limit]
            following = shown[-1].uti if len(found) > limit else None
            seen = [
                line
                for line in shown
                if may_see(
                    viewer,
                    members=(line.buyer, line.seller),
                    product=line.product,
                    date=line.trade_date,
                )
            ]
            return TradesView(
                trades=seen, next=following, as_of_height=db.height, from_height=db.from_height
            )

    @get("/trades/{uti:str}", opt={"page": TRADE}, sync_to_thread=True)
    def trade(request: Asked, uti: str) -> TradeSeen:
        """A trade, and the transactions of its parties in the block that registered it."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            line = db.first(ListedTrade, f"SELECT {TRADE_COLUMNS} FROM trades WHERE uti=?", uti)
            if line is None or not may_see(
                viewer, members=(line.buyer, line.seller), product=line.product,
                date=line.trade_date,
            ):  # fmt: skip
                raise NotFound(f"UTI {uti[:60]}")
            query = (
                f"SELECT {LINE_COLUMNS} FROM transactions "
                "WHERE height=? AND INSTR(body, ?) ORDER BY position"
            )
            return TradeSeen(
                trade=line,
                transactions=db.all(DecidedTransaction, query, line.registered, f'"{uti}"'),
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [blocks, block, transaction, trades, trade]


def _block(db: Reader, number: int, after: int, limit: int) -> BlockSeen:
    found = decided_blocks(db, 1, number + 1)
    if not found or found[0].height != number:
        if 0 < number < db.from_height:
            raise HeightPruned(f"block {number}, the store begins with {db.from_height}")
        raise NotFound(f"block {number}, the last is {db.height}")
    query = "SELECT header, signers, events FROM blocks WHERE height=?"
    header, signers, events = db.rows(query, number)[0]
    query = (
        f"SELECT {LINE_COLUMNS} FROM transactions WHERE height=? AND position>? "
        "ORDER BY position LIMIT ?"
    )
    lines = db.all(DecidedTransaction, query, number, after, limit + 1)
    shown = lines[:limit]
    return BlockSeen(
        block=found[0],
        header=msgspec.json.decode(header),
        signers=signers.split(),
        events=events,
        transactions=shown,
        next=shown[-1].position if len(lines) > limit else None,
        previous_block=number - 1 if number > db.from_height else None,
        next_block=number + 1 if number < db.height else None,
        as_of_height=db.height,
        from_height=db.from_height,
    )


def _trades(db: Reader, member: str, state: str, after: str, count: int) -> list[ListedTrade]:
    """A page of trades; each side by an index of its own, so no page reads more than it shows."""
    wanted = " AND state=?" if state else ""
    given = (state,) if state else ()
    if not member:
        query = f"SELECT {TRADE_COLUMNS} FROM trades WHERE uti>?{wanted} ORDER BY uti LIMIT ?"
        return db.all(ListedTrade, query, after, *given, count)
    found: dict[str, ListedTrade] = {}
    for side in ("buyer_member", "seller_member"):
        query = (
            f"SELECT {TRADE_COLUMNS} FROM trades WHERE {side}=? AND uti>?{wanted} "
            "ORDER BY uti LIMIT ?"
        )
        lines = db.all(ListedTrade, query, member, after, *given, count)
        found |= {line.uti: line for line in lines}
    return [found[uti] for uti in sorted(found)][:count]
