"""Routes about trades and the rounds that net them."""

from typing import Any

from litestar import get

from ledger import objects as o
from ledger import tables as t
from ledger.transactions import tx_id
from node.api import views
from node.api.errors import NotFound
from node.api.reading import After, AfterNumber, Limit, number_of, page_of
from node.apitypes import answers as a
from node.apitypes.shown import Line, Shown
from node.blotter import COLUMNS, fields_of
from node.daemon import Daemon
from node.statements.confirm import Confirmed, confirmed
from node.viewing.seen import seen_state
from node.viewing.viewer import check_for_own, viewer_now


def trade_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    shell = daemon.shell

    @get("/trades", sync_to_thread=False)
    def trades(after: After = "", limit: Limit = 100) -> a.Page[a.TradeLine]:
        """Registered trades in order of UTI, a page at a time."""
        rows = [
            row for _, row in seen_state(shell.tip.state).scan(t.CONTRACTS) if row.trade.uti > after
        ]
        rows.sort(key=lambda row: row.trade.uti)
        shown = (views.contract(row) for row in rows)
        return page_of(shown, limit, shell.tip.height, lambda line: line.record.uti)

    @get("/trades/{uti:str}")
    async def trade(uti: str) -> a.TradeFollowed:
        """A trade: on the ledger, or on its way there."""
        height = shell.tip.height
        row = seen_state(shell.tip.state).get(t.CONTRACTS, t.CONTRACTS.key(uti))
        if row is not None:
            line = views.contract(row)
            return a.TradeFollowed(status="registered", as_of_height=height, trade=line)
        way = None if viewer_now().mandated else await daemon.trades.by_uti(uti)
        if way is None:
            raise NotFound(f"UTI {uti[:60]}")
        submission = await daemon.store.submission(tx_id(way.tx))
        return a.TradeFollowed(
            status=way.status if submission is None else submission.status,
            as_of_height=height,
            tx_id=tx_id(way.tx).hex(),
            counterparty=way.counterparty,
            code=way.code or ("" if submission is None else submission.code),
            detail="" if submission is None else submission.detail,
            differences=[Shown(one) for one in way.differences],
        )

    @get("/trades/{uti:str}/confirmation", sync_to_thread=False)
    def confirmation(uti: str) -> Shown[Confirmed]:
        """The confirmation of a registered trade: its terms, those of its instrument, its fees."""
        tip = shell.tip
        found = confirmed(tip.chain_id, seen_state(tip.state), tip.height, uti)
        if found is None:
            raise NotFound(f"UTI {uti[:60]}")
        return Shown(found)

    @get("/blotter")
    async def book(after: After = "", limit: Limit = 100) -> a.Page[a.BookTrade]:
        """The member's own book in order of UTI, a page at a time."""
        check_for_own()
        found = await daemon.trades.blotter(after, limit + 1)
        entries = [a.BookTrade(**fields_of(trade)) for trade in found]
        return page_of(entries, limit, shell.tip.height, lambda entry: entry.uti)

    @get("/rounds", sync_to_thread=False)
    def rounds(
        after: AfterNumber = "", limit: Limit = 100
    ) -> a.Page[Line[a.RoundOf, o.NettingRound]]:
        """Netting rounds, newest first; `after`: older than this number."""
        found = views.rounds(seen_state(shell.tip.state))
        if after:
            below = number_of(after)
            found = [line for line in found if line.record.number < below]
        return page_of(found, limit, shell.tip.height, lambda line: line.record.number)

    return [trades, trade, confirmation, book, rounds]


assert set(COLUMNS) == set(a.BookTrade.__struct_fields__)
