"""Routes that change something: trades, transactions, marks. What they accept is on disk when the
answer comes."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
from litestar import Request, get, post

from ledger.actions import FeedMark, RegisterTrade
from ledger.apply import check_terms
from ledger.objects import Trade
from ledger.oracles import ExtensionMarks
from ledger.receipts import OK
from ledger.transactions import tx_id, unsigned, verified
from node.api.errors import BadRequest, NotFound
from node.api.once import Key, Once
from node.api.reading import Ident, digest, transaction_of
from node.apitypes import outcomes
from node.apitypes import requests as r
from node.blotter import trade_from
from node.core import inputs as i
from node.core.errors import NotVoting
from node.daemon import Daemon
from node.shell import now_ms
from node.tokens import Scope
from node.viewing.seen import check_own
from node.viewing.viewer import check_for_own
from wire.codec import encode
from wire.errors import CodedError, Rejection
from wire.ids import Date, FeedCode
from wire.limits import EXTENSION_BYTES_MAX

Asked: TypeAlias = Request[Any, Any, Any]


def submission_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    once = Once(daemon.store)

    @post("/trades")
    async def initiate(
        data: r.NewTrades, request: Asked, key: Key = None
    ) -> list[outcomes.Accepted]:
        """Sign own trades and have the counterparties affirm them."""

        async def do() -> list[outcomes.Accepted]:
            halves = await daemon.initiate(_trades(data.trades), batch=data.batch)
            return [outcomes.Accepted(tx_id=tx_id(tx).hex(), status="waiting") for tx in halves]

        return await once.answer(request, key, list[outcomes.Accepted], do)

    @post("/trades/check", status_code=200, sync_to_thread=False, opt={"scope": Scope.READ})
    def check(data: r.BookTrades) -> list[outcomes.TradeChecked]:
        """What the ledger would say of each trade in the next block, signatures apart. Each is
        looked at by itself, and nothing is submitted."""
        trades = _trades(data.trades)
        check_own(daemon.shell.tip.state, *(RegisterTrade(trade) for trade in trades))
        return [_checked(daemon, trade) for trade in trades]

    @post("/blotter")
    async def blotter(data: r.BookTrades, request: Asked, key: Key = None) -> outcomes.Entered:
        """Enter trades of the member's own book, to affirm counterparties' trades by."""

        async def do() -> outcomes.Entered:
            return outcomes.Entered(entered=await daemon.enter(_trades(data.trades)))

        return await once.answer(request, key, outcomes.Entered, do)

    @post("/transactions")
    async def submit(
        data: r.SignedTransaction, request: Asked, key: Key = None
    ) -> outcomes.Accepted:
        """Accept a signed transaction."""

        async def do() -> outcomes.Accepted:
            ident = await daemon.shell.submit(verified(transaction_of(data)))
            return outcomes.Accepted(tx_id=ident.hex(), status="pending")

        return await once.answer(request, key, outcomes.Accepted, do)

    @post("/marks", sync_to_thread=False, opt={"scope": Scope.ADMIN})
    def marks(data: r.Marks) -> outcomes.MarksTaken:
        """Have this validator's precommits carry marks of the open date: for an oracle that
        validates they reach the ledger with the very next block."""
        carried = _marks(data)
        if daemon.shell.core.deciding.run.me is None:
            raise NotVoting("its precommits carry nothing")
        daemon.shell.put(i.ExtensionOffered(carried, now_ms()))
        return outcomes.MarksTaken(bytes=len(carried))

    @get("/transactions/{ident:str}")
    async def follow(ident: Ident) -> outcomes.Followed:
        """What became of a transaction that this node accepted."""
        check_for_own()
        found = await daemon.store.submission(digest(ident))
        if found is None:
            raise NotFound(f"transaction {ident[:64]}")
        return outcomes.Followed(
            tx_id=found.tx_id.hex(),
            status=found.status,
            code=found.code,
            detail=found.detail,
            height=found.height,
        )

    return [initiate, check, blotter, submit, marks, follow]


def _checked(daemon: Daemon, trade: Trade) -> outcomes.TradeChecked:
    tip = daemon.shell.tip
    tx = unsigned(tip.chain_id, RegisterTrade(trade), nonce=0, valid_until=tip.height + 1)
    try:
        check_terms(tip.state, tx)
    except Rejection as error:
        return outcomes.TradeChecked(
            uti=trade.uti, code=error.code, detail=error.detail, remedy=error.remedy
        )
    return outcomes.TradeChecked(uti=trade.uti, code=OK, detail="", remedy="")


def _trades(entries: Sequence[r.TradeEntry]) -> list[Trade]:
    found: list[Trade] = []
    for number, entry in enumerate(entries):
        fields = {name: str(value) for name, value in msgspec.structs.asdict(entry).items()}
        try:
            found.append(trade_from(fields))
        except CodedError as error:
            raise BadRequest(f"trades[{number}]: {error.detail}") from None
        except ValueError as error:
            raise BadRequest(f"trades[{number}]: {error}") from None
    return found


def _marks(data: r.Marks) -> bytes:
    given = tuple(FeedMark(FeedCode(feed), value) for feed, value in sorted(data.marks.items()))
    try:
        carried = encode(ExtensionMarks(Date(data.date), given))
    except (OverflowError, ValueError) as error:
        raise BadRequest(f"`date` and `marks`: {error}") from None
    if len(carried) > EXTENSION_BYTES_MAX:
        raise BadRequest(f"marks of {len(carried)} bytes, at most {EXTENSION_BYTES_MAX} allowed")
    return carried
