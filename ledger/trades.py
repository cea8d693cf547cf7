"""Registration of trades, limits, and the netting set that every contract belongs to."""

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import SetLimit, TradeBatch
from ledger.events import Event, TradeRegistered
from ledger.state import Draft
from wire import ids
from wire.limits import AMOUNT_MAX, BATCH_TRADES_MAX, QUANTITY_MAX, SET_BOUND_MAX
from wire.money import Rounding, muldiv


def minor_units(quantity: int, price: int, instrument: o.Instrument, exponent: int) -> int:
    """quantity * price in minor units of the instrument's currency, half to even, rounded once."""
    return muldiv(quantity * price, 10**exponent, instrument.price_scale, Rounding.HALF_EVEN)


def register(draft: Draft, trade: o.Trade, height: int) -> list[Event]:
    """Make `trade` a LIVE contract of its netting set."""
    instrument, feed = _check_terms(draft, trade)
    check_unregistered(draft, (trade.uti,))
    exponent = checks.asset(draft, instrument.currency).exponent
    _add_to_set(draft, trade, footprint(trade, instrument, feed, exponent))
    key = t.CONTRACTS.key(trade.uti)
    draft.put(t.CONTRACTS, key, o.Contract(trade, o.ContractState.LIVE, height))
    return [TradeRegistered(trade.uti, trade.buyer, trade.seller)]


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
    return [event for trade in trades for event in register(draft, trade, height)]


def set_limit(draft: Draft, action: SetLimit) -> list[Event]:
    """Bound the open notional with one counterparty; contracts already open are not touched."""
    checks.active_member(draft, action.counterparty)
    checks.asset(draft, action.asset)
    if not 0 <= action.notional_max <= AMOUNT_MAX:
        raise r.BadAmount(f"is {action.notional_max}, must be 0 to {AMOUNT_MAX}")
    key = t.LIMITS.key(action.member, action.counterparty, action.asset)
    draft.put(t.LIMITS, key, o.Limit(action.notional_max))
    return []


def footprint(trade: o.Trade, instrument: o.Instrument, feed: o.Feed, exponent: int) -> o.Settled:
    """What one contract adds to its set's figures while it is live."""
    notional = minor_units(trade.quantity, trade.price, instrument, exponent)
    bound = minor_units(trade.quantity, feed.value_max, instrument, exponent)
    return o.Settled(instrument.currency, 0, notional, bound, 1)


def _check_terms(draft: Draft, trade: o.Trade) -> tuple[o.Instrument, o.Feed]:
    ids.uti(trade.uti)
    ids.date(trade.trade_date)
    check_parties(draft, trade)
    checks.text(trade.reference)
    if not 0 < trade.quantity <= QUANTITY_MAX:
        raise r.BadTrade(f"quantity is {trade.quantity}, must be 1 to {QUANTITY_MAX}")
    instrument = draft.get(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    if instrument is None:
        raise r.UnknownInstrument(f"instrument {trade.instrument[:40]}")
    today = draft.must(t.NETWORK, t.network_key()).business_date
    if today is None or instrument.maturity < today:
        raise r.InstrumentMatured(f"{instrument.code} had its last date on {instrument.maturity}")
    feed = draft.must(t.FEEDS, t.FEEDS.key(instrument.feed))
    if not 0 < trade.price <= feed.value_max:
        raise r.BadTrade(f"price is {trade.price}, must be 1 to {feed.value_max}")
    return instrument, feed


def _add_to_set(draft: Draft, trade: o.Trade, added: o.Settled) -> None:
    """Count the contract into its netting set, within both members' limits."""
    first, second = sorted((trade.buyer, trade.seller))
    key = t.netting_set_key(first, second)
    row = draft.get(t.NETTING_SETS, key) or o.NettingSet(first, second, ())
    asset = added.asset
    old = position(row, asset)
    total, bound = old.notional + added.notional, old.bound + added.bound
    if bound > SET_BOUND_MAX:
        raise r.BadAmount(f"value of the set could reach {bound}, at most {SET_BOUND_MAX}")
    for member, other in ((first, second), (second, first)):
        limit = draft.get(
            t.LIMITS, t.LIMITS.key(ids.member_of(member), ids.member_of(other), asset)
        )
        if limit is not None and total > limit.notional_max:
            raise r.LimitReached(
                f"open notional with {other} would be {total}, limit of {member} is "
                f"{limit.notional_max}"
            )
    new = o.Settled(asset, old.settled, total, bound, old.live + 1)
    draft.put(t.NETTING_SETS, key, with_position(row, new))


def position(row: o.NettingSet, asset: str) -> o.Settled:
    """The set's figures in one currency; zeros if it has none."""
    for entry in row.positions:
        if entry.asset == asset:
            return entry
    return o.Settled(ids.AssetCode(asset), 0, 0, 0, 0)


def with_position(row: o.NettingSet, new: o.Settled) -> o.NettingSet:
    """The set with one currency's figures replaced."""
    kept = [entry for entry in row.positions if entry.asset != new.asset]
    ordered = tuple(sorted([*kept, new], key=lambda entry: entry.asset))
    return o.NettingSet(row.first, row.second, ordered)
