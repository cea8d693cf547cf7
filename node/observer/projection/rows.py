"""Rows of the ledger's state as rows of the read store, table by table."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from ledger import objects as o
from ledger import sets
from ledger import tables as t
from ledger.state import Draft
from node.observer.projection import looks, margin, rounds, steps
from node.observer.projection.writing import Context, as_json, put, upsert
from node.observer.store import Statement
from wire.codec import Record
from wire.ids import member_of

MEMBER: Final = upsert(
    "members", ("lei",), "name", "parent", "roles", "state", "power", "contribution_committed",
    "height", kept=("trades_here", "votes_from"),
)  # fmt: skip
ASSET: Final = put("assets", "code", "exponent", "kind", "height")
TRADE: Final = put(
    "trades", "uti", "buyer", "seller", "buyer_member", "seller_member", "instrument", "product",
    "currency", "quantity", "price", "price_scale", "notional", "trade_date", "maturity", "source",
    "reference", "state", "registered", "height",
)  # fmt: skip
INSTRUMENT: Final = put(
    "instruments", "code", "product", "asset_class", "feed", "currency", "price_scale", "maturity",
    "delivery", "height",
)  # fmt: skip
SET: Final = put(
    "sets", "first", "second", "asset", "first_member", "second_member", "settled", "notional",
    "live", "held_first", "held_second", "height",
)  # fmt: skip
SET_LESS: Final = (
    "DELETE FROM sets WHERE first=? AND second=? AND NOT INSTR(?, ' ' || asset || ' ')"
)
BALANCE: Final = put(
    "balances", "lei", "kind", "reference", "asset", "secured", "balance", "locked", "height",
)  # fmt: skip
MARK: Final = put("marks", "feed", "date", "value", "oracles", "height")
LIMIT: Final = put("limits", "member", "counterparty", "asset", "notional_max", "height")
UNLIMITED: Final = "DELETE FROM limits WHERE member=? AND counterparty=? AND asset=?"
ORACLE_MARK: Final = put("oracle_marks", "feed", "oracle", "date", "value", "height")
CONTRIBUTION: Final = put("contributions", "service", "lei", "has", "required", "used", "height")
CASE: Final = upsert(
    "cases", ("number",), "defaulter", "cause", "reason", "state", "opened", "declared", "until",
    "fixed", "loss", "recovered", "repaid", "ended", "applied", "cure", "rulebook", "height",
)  # fmt: skip


def changed(context: Context, key: bytes, row: Record | None) -> Iterator[Statement]:
    """What a changed row of the ledger (None: it is gone) means for the store."""
    rule = RULES.get(key[0])
    if rule is not None:
        yield from rule(context, t.BY_TAG[key[0]].parts(key), row)


def _member(context: Context, parts: tuple[Any, ...], row: o.Member | None) -> Iterator[Statement]:
    assert row is not None, parts
    roles = " ".join(o.Role(role).name for role in row.roles)
    trades_here = int(o.Role.MEMBER in row.roles)
    state = o.MemberState(row.state).name
    yield MEMBER, (
        row.lei, row.name, row.group, roles, state, row.power, row.contribution, context.height,
        trades_here, 0,
    )  # fmt: skip


def _asset(context: Context, parts: tuple[Any, ...], row: o.Asset | None) -> Iterator[Statement]:
    assert row is not None, parts
    yield ASSET, (row.code, row.exponent, o.AssetKind(row.kind).name, context.height)


def _trade(context: Context, parts: tuple[Any, ...], row: o.Contract | None) -> Iterator[Statement]:
    assert row is not None, parts
    trade = row.trade
    instrument = context.state.must(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    notional = sets.footprint(Draft(context.state), trade).notional
    yield TRADE, (
        trade.uti, trade.buyer, trade.seller, member_of(trade.buyer), member_of(trade.seller),
        trade.instrument, o.Product(instrument.product).name, instrument.currency, trade.quantity,
        trade.price, instrument.price_scale, notional, trade.trade_date, instrument.maturity,
        o.TradeSource(trade.source).name, trade.reference, o.ContractState(row.state).name,
        row.height, context.height,
    )  # fmt: skip


def _set(context: Context, parts: tuple[Any, ...], row: o.NettingSet | None) -> Iterator[Statement]:
    first, second = parts
    positions = () if row is None else row.positions
    kept = " ".join(["", *(entry.asset for entry in positions), ""])
    yield steps.VM_GONE, (context.height, first, second, kept)
    yield SET_LESS, (first, second, kept)
    for entry in positions:
        yield SET, (
            first, second, entry.asset, member_of(first), member_of(second), entry.settled,
            entry.notional, entry.live, entry.held_first, entry.held_second, context.height,
        )  # fmt: skip
        yield steps.VM, (
            first, second, entry.asset, context.height, entry.settled, entry.held_first,
            entry.held_second,
        )  # fmt: skip


def _balance(
    context: Context, parts: tuple[Any, ...], row: o.Balance | None
) -> Iterator[Statement]:
    lei, kind, reference, asset = parts
    secured = reference.partition(">")[2] if kind == o.AccountKind.IM_ESCROW else ""
    place = (lei, o.AccountKind(kind).name, reference, asset, member_of(secured))
    balance, locked = (0, 0) if row is None else (row.balance, row.locked)
    yield BALANCE, (*place, balance, locked, context.height)
    if kind == o.AccountKind.IM_ESCROW:
        poster = reference.partition(">")[0]
        yield steps.CUSTODY, (poster, secured, asset, context.height, balance)


def _instrument(
    context: Context, parts: tuple[Any, ...], row: o.Instrument | None
) -> Iterator[Statement]:
    assert row is not None, parts
    yield INSTRUMENT, (
        row.code, o.Product(row.product).name, o.AssetClass(row.asset_class).name, row.feed,
        row.currency, row.price_scale, row.maturity,
        "" if row.delivery is None else row.delivery.asset, context.height,
    )  # fmt: skip


def _limit(context: Context, parts: tuple[Any, ...], row: o.Limit | None) -> Iterator[Statement]:
    if row is None:
        yield UNLIMITED, parts
    else:
        yield LIMIT, (*parts, row.notional_max, context.height)


def _oracle_mark(
    context: Context, parts: tuple[Any, ...], row: o.OracleMark | None
) -> Iterator[Statement]:
    if row is not None:
        yield ORACLE_MARK, (*parts, row.date, row.value, context.height)


def _mark(context: Context, parts: tuple[Any, ...], row: o.Mark | None) -> Iterator[Statement]:
    feed, date = parts
    if row is not None:  # old ones leave the state, and stay here
        yield MARK, (feed, date, row.value, row.oracles, context.height)


def _contribution(
    context: Context, parts: tuple[Any, ...], row: o.Contribution | None
) -> Iterator[Statement]:
    service, lei = parts
    if row is not None:
        has = row.paid_in + row.restored - row.withdrawn - row.used
        yield CONTRIBUTION, (service, lei, has, row.required, row.used, context.height)


def _case(
    context: Context, parts: tuple[Any, ...], row: o.DefaultCase | None
) -> Iterator[Statement]:
    number = parts[0]
    if row is None:  # cured or taken back: its steps say which
        query = "UPDATE cases SET state='ENDED', ended=?, height=? WHERE number=?"
        yield query, (context.height, context.height, number)
        return
    ended = context.height if row.state == o.CaseState.CLOSED else 0
    yield CASE, (
        number, row.defaulter, o.Trigger(row.trigger).name, row.reason,
        o.CaseState(row.state).name, row.opened, row.declared, row.until, row.fixed, row.loss,
        row.recovered, row.repaid, ended, as_json(row.applied), as_json(row.cure),
        row.rulebook_version, context.height,
    )  # fmt: skip


RULES: Final[dict[int, Callable[[Context, tuple[Any, ...], Any], Iterator[Statement]]]] = {
    t.MEMBERS.tag: _member,
    t.ASSETS.tag: _asset,
    t.INSTRUMENTS.tag: _instrument,
    t.CONTRACTS.tag: _trade,
    t.NETTING_SETS.tag: _set,
    t.BALANCES.tag: _balance,
    t.LIMITS.tag: _limit,
    t.ORACLE_MARKS.tag: _oracle_mark,
    t.MARKS.tag: _mark,
    t.CONTRIBUTIONS.tag: _contribution,
    t.DEFAULT_CASES.tag: _case,
    t.CALLS.tag: margin.call,
    t.DISPUTES.tag: margin.dispute,
    t.ROUNDS.tag: rounds.round_row,
    t.MANDATES.tag: looks.mandate,
}
