"""The trade report: a line for each contract that is not over, as EMIR asks for it.

One line is both sides' report: it is seen from counterparty 1, the first party of the netting set
by LEI, or the member that the report is asked for. Margin is by portfolio, which is the netting
set. docs/REPORTS.md has each field's number in Implementing Regulation (EU) 2022/1860.
"""

from typing import Any, Final

from litestar import get

from node.observer.reports import emir
from node.observer.reports.dates import Closed, closed
from node.observer.reports.outstanding import ENDED, Outstanding, outstanding, taken
from node.observer.reports.portfolios import PortfolioMargin, portfolio_of, portfolios
from node.observer.reports.reconciliation import Compared, Difference, reconcile
from node.observer.showing import Page
from node.observer.sight import Asked, OfMember, OnDate, Row, Seen, Sight
from node.observer.store import Reader
from node.viewing.viewer import viewer_now
from wire.ids import member_of

PAGE: Final = Page("report_trades.html", "Trade report", "reports", live=False)

STATE: Final = "the contract's last step up to the date's close"
STEP: Final = "what the block did to the contract"


class TradeLine(Row, frozen=True):
    """A contract; amounts in minor units of `currency`, prices in units of 1 / `price_scale`."""

    uti: str
    prior_uti: str
    """Of the contract that was novated into this one."""
    counterparty_1: str
    """LEI."""
    counterparty_2: str
    account_1: str
    """The party itself: the LEI, or a client account of it."""
    account_2: str
    direction: str
    """BYER or SLLR, of counterparty 1."""
    contract_type: str
    product: str
    asset_class: str
    instrument: str
    underlying: str
    """The feed that marks it."""
    quantity: int
    price: int
    price_scale: int
    notional: int
    currency: str
    trade_date: int
    effective_date: int
    maturity: int
    delivery: str
    """CASH or PHYS."""
    valuation: int | None
    """To counterparty 1; null: frozen by a default, or without a mark."""
    valuation_currency: str
    valuation_date: int
    valuation_method: str
    mark: int | None
    portfolio: str
    """Code of the collateral portfolio."""
    cleared: str
    """N: there is no central counterparty; both parties stay each other's."""
    state: str
    """On the ledger."""
    step: str
    """What happened to it last, on the ledger."""
    action: str
    """NEWT, MODI, TERM or EROR, of that step; empty: nothing is reported for it."""
    event: str
    source: str
    entered: int
    """Height of the block that entered it."""
    transaction: str
    """Id of the transaction that did; empty: before the store began."""


class TradeReport(Seen, frozen=True):
    """Contracts as of a date's close, what happened to contracts on it, the margin of their
    portfolios, and whether all of it is the ledger."""

    date: int
    member: str
    """The report is about this one; empty: about all that the viewer sees."""
    trades: list[TradeLine]
    activity: list[TradeLine]
    """Every step since the date before closed, in its order."""
    portfolios: list[PortfolioMargin]
    reconciliation: list[Compared]
    differences: list[Difference]
    """Empty: the report is the ledger."""
    dates: list[int]
    """Closed, ascending: what `date` may be."""


def trade_report_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/reports/trades", opt={"page": PAGE}, sync_to_thread=True)
    def trades(request: Asked, date: OnDate = None, member: OfMember = "") -> TradeReport:
        """The trade report of a closed business date (the last one, if none is named): contracts
        with both LEIs, dates, notional, valuation and margin, reconciled to the ledger. `member`:
        of its contracts only, seen from its side."""
        del request
        with sight.reader() as db:
            return trade_report(db, date, member)

    return [trades]


def trade_report(db: Reader, wanted: int | None, member: str = "") -> TradeReport:
    """The report of a date; raises `DateNotClosed`, `DateBeforeStore`."""
    date = closed(db, wanted)
    lines = outstanding(db, date.date, date.height)
    steps = taken(db, date.date, date.after, date.height)
    every = lines
    if not viewer_now().everything:
        every = outstanding(db, date.date, date.height, everybody=True)
    outcome = reconcile(db, date, every)
    return TradeReport(
        date=date.date,
        member=member,
        trades=[_line(one, date, member, STATE) for one in lines if _is_of(one, member)],
        activity=[_line(one, date, member, STEP) for one in steps if _is_of(one, member)],
        portfolios=portfolios(db, date, member),
        reconciliation=outcome.compared,
        differences=outcome.differences,
        dates=[day for (day,) in db.rows("SELECT date FROM dates ORDER BY date")],
        as_of_height=db.height,
        from_height=db.from_height,
    )


def _is_of(line: Outstanding, member: str) -> bool:
    return not member or member in (member_of(line.buyer), member_of(line.seller))


def _line(one: Outstanding, date: Closed, member: str, rule: str) -> TradeLine:
    mine = next((party for party in one.pair if member_of(party) == member), one.pair[0])
    other = one.pair[1] if mine == one.pair[0] else one.pair[0]
    value = None if one.state in ENDED else one.value
    return TradeLine(
        uti=one.uti,
        prior_uti=one.prior,
        counterparty_1=member_of(mine),
        counterparty_2=member_of(other),
        account_1=mine,
        account_2=other,
        direction=emir.BUYER if one.buyer == mine else emir.SELLER,
        contract_type=emir.CONTRACT_TYPES[one.product],
        product=one.product,
        asset_class=emir.ASSET_CLASSES[one.asset_class],
        instrument=one.instrument,
        underlying=one.feed,
        quantity=one.quantity,
        price=one.price,
        price_scale=one.price_scale,
        notional=one.notional,
        currency=one.currency,
        trade_date=one.trade_date,
        effective_date=one.trade_date,
        maturity=one.maturity,
        delivery="PHYS" if one.delivery else "CASH",
        valuation=value if value is None or one.buyer == mine else -value,
        valuation_currency=one.currency,
        valuation_date=date.date,
        valuation_method=emir.OBSERVED if one.oracles else emir.CARRIED,
        mark=one.mark,
        portfolio=portfolio_of(*one.pair),
        cleared="N",
        state=one.state,
        step=one.what,
        action=emir.ACTIONS[one.what].action,
        event=emir.ACTIONS[one.what].event,
        source=one.source,
        entered=one.entered,
        transaction=one.tx,
        height=one.height,
        rule=rule,
    )
