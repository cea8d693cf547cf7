"""Registration of trades, limits, and the netting set that every contract belongs to."""

from ledger import checks, csa, fees, im, sets
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import SetLimit, TradeBatch
from ledger.events import Event, TradeRegistered
from ledger.state import Draft
from wire import ids
from wire.limits import AMOUNT_MAX, BATCH_TRADES_MAX, QUANTITY_MAX


def register(draft: Draft, trade: o.Trade, height: int) -> list[Event]:
    """Make `trade` a LIVE contract of its netting set, the initial margin that it needs locked both
    ways in the same transition; raises a `Rejection`."""
    return [*_add(draft, trade, height), *margined(draft, trade)]


def margined(draft: Draft, trade: o.Trade) -> list[Event]:
    """Lock the initial margin that the trade's netting set needs, both ways; raises `ImShort`."""
    terms = csa.signed(draft, trade.buyer, trade.seller)
    return [] if terms is None else im.lock(draft, terms)


def _add(draft: Draft, trade: o.Trade, height: int) -> list[Event]:
    check_terms(draft, trade)
    check_unregistered(draft, (trade.uti,))
    sets.join(draft, trade)
    charged, events = fees.charge(draft, trade)
    contract = o.Contract(trade, o.ContractState.LIVE, height, charged)
    draft.put(t.CONTRACTS, t.CONTRACTS.key(trade.uti), contract)
    return [TradeRegistered(trade.uti, trade.buyer, trade.seller), *events]


def members_of(trade: o.Trade) -> tuple[ids.Lei, ids.Lei]:
    """The members that answer for buyer and seller."""
    return ids.member_of(trade.buyer), ids.member_of(trade.seller)


def check_parties(draft: Draft, trade: o.Trade) -> None:
    """Buyer and seller are two active members that may trade."""
    checks.trading_party(draft, trade.buyer)
    checks.trading_party(draft, trade.seller)
    buyer, seller = members_of(trade)
    if buyer == seller:
        raise r.SelfTrade(f"{buyer} is buyer and seller")


def check_unregistered(draft: Draft, utis: tuple[ids.Uti, ...]) -> None:
    """Raise `DuplicateUti` if one of `utis` is registered."""
    for uti in utis:
        existing = draft.get(t.CONTRACTS, t.CONTRACTS.key(uti))
        if existing is not None:
            raise r.DuplicateUti(f"{uti[:52]} was registered at height {existing.height}")


def register_batch(draft: Draft, batch: TradeBatch, height: int) -> list[Event]:
    """Register every trade of a batch, or none."""
    trades = batch.trades
    if not 1 <= len(trades) <= BATCH_TRADES_MAX:
        raise r.BadBatch(f"has {len(trades)} trades, 1 to {BATCH_TRADES_MAX} allowed")
    if len({(min(x.buyer, x.seller), max(x.buyer, x.seller)) for x in trades}) != 1:
        raise r.BadBatch("trades of more than one pair of members")
    return [
        *(event for trade in trades for event in _add(draft, trade, height)),
        *margined(draft, trades[0]),
    ]


def set_limit(draft: Draft, action: SetLimit) -> list[Event]:
    """Bound the open notional with one counterparty; contracts already open are not touched."""
    checks.active_member(draft, action.counterparty)
    checks.asset(draft, action.asset)
    if not 0 <= action.notional_max <= AMOUNT_MAX:
        raise r.BadAmount(f"is {action.notional_max}, must be 0 to {AMOUNT_MAX}")
    key = t.LIMITS.key(action.member, action.counterparty, action.asset)
    draft.put(t.LIMITS, key, o.Limit(action.notional_max))
    return []


def check_terms(draft: Draft, trade: o.Trade) -> None:
    """What a trade says is possible, today; raises a `Rejection`."""
    ids.uti(trade.uti)
    ids.date(trade.trade_date)
    check_parties(draft, trade)
    checks.text(trade.reference)
    if not 0 < trade.quantity <= QUANTITY_MAX:
        raise r.BadTrade(f"quantity is {trade.quantity}, must be 1 to {QUANTITY_MAX}")
    instrument = draft.get(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    if instrument is None:
        raise r.UnknownInstrument(f"instrument {trade.instrument[:40]}")
    network = draft.must(t.NETWORK, t.network_key())
    today = network.business_date
    if today is None or instrument.maturity < today:
        raise r.InstrumentMatured(f"{instrument.code} had its last date on {instrument.maturity}")
    _check_date(network, trade)
    checks.not_own_issued(draft, instrument.currency, trade.buyer, trade.seller)
    if instrument.delivery is not None:
        checks.amount(trade.quantity * instrument.delivery.per_unit)
    feed = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed))
    if not 0 < trade.price <= feed.value_max:
        raise r.BadTrade(f"price is {trade.price}, must be 1 to {feed.value_max}")


def _check_date(network: o.Network, trade: o.Trade) -> None:
    """Nobody has traded on a date to come, and a contract dated ahead would miss its coupons until
    then. The day after the open date may have begun: the ledger closes a date when its marks are
    in. Any date before is taken: trades that were made before are cleared from now on."""
    latest = network.calendar[min(1, len(network.calendar) - 1)]
    if trade.trade_date > latest:
        raise r.DatedAhead(f"{trade.trade_date}, at most {latest}")
