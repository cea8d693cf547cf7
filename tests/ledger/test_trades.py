"""Registration of trades, alone and in batches, and the limits that members set."""

import msgspec
import pytest

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import RegisterTrade, SetLimit, TradeBatch
from ledger.apply import check_terms
from ledger.events import TradeRegistered
from ledger.transactions import Transaction, is_trade, utis
from tests.ledger.world import CALENDAR, USD, World
from wire.errors import BadIdentifier, Rejection
from wire.ids import AssetCode, Date, InstrumentCode, Lei, Uti
from wire.limits import AMOUNT_MAX, BATCH_TRADES_MAX, QUANTITY_MAX

STRANGER = Lei("5493000IBP32UQZ0KL24")


def _both(world: World, trade: o.Trade) -> Transaction:
    a, b, _ = world.members
    return world.sign(RegisterTrade(trade), a.key("trade"), b.key("trade"))


def _refused(world: World, tx: Transaction, error: type[Rejection]) -> str:
    for check in (world.check, lambda tx: check_terms(world.state, tx)):
        with pytest.raises(error) as caught:
            check(tx)
        assert type(caught.value) is error
    receipt = world.apply(tx).receipts[0]
    assert (receipt.code, receipt.detail) == (error.code, caught.value.detail)
    return receipt.detail


def test_a_trade_signed_by_both_becomes_a_live_contract_of_their_netting_set() -> None:
    world = World()
    a, b, _ = world.members
    tx = world.trade(b, a, 300, 12_345)
    assert isinstance(tx.action, RegisterTrade)
    trade = tx.action.trade
    applied = world.must(tx)
    assert applied.events == (TradeRegistered(trade.uti, b.lei, a.lei),)
    contract = world.state.must(t.CONTRACTS, t.CONTRACTS.key(trade.uti))
    assert contract == o.Contract(trade, o.ContractState.LIVE, 1, ())
    assert world.position(a, b) == o.Settled(USD, 0, 370_350, 300 * 10**8, 1, 0, 0)
    assert (is_trade(tx.action), utis(tx.action)) == (True, (trade.uti,))


def test_a_self_trade_is_refused() -> None:
    world = World()
    a, _, _ = world.members
    tx = world.sign(RegisterTrade(world.terms(a, a, 1, 1_000)), a.key("trade"))
    assert _refused(world, tx, r.SelfTrade) == f"{a.lei} is buyer and seller"


def test_the_same_uti_again_is_refused_whoever_submits_it_and_whatever_else_it_says() -> None:
    world = World()
    a, b, c = world.members
    first = world.terms(a, b, 1, 1_000)
    world.must(_both(world, first))
    for trade, one, other in (
        (first, a, b),
        (msgspec.structs.replace(first, quantity=2), a, b),
        (msgspec.structs.replace(first, buyer=c.lei), c, b),
    ):
        tx = world.sign(RegisterTrade(trade), one.key("trade"), other.key("trade"))
        assert _refused(world, tx, r.DuplicateUti) == f"{first.uti} was registered at height 1"
    assert world.position(a, b).live == 1


def test_of_two_trades_with_one_uti_in_a_block_the_first_counts() -> None:
    world = World()
    a, b, _ = world.members
    first = world.terms(a, b, 1, 1_000)
    other = msgspec.structs.replace(first, quantity=5)
    assert world.codes(_both(world, first), _both(world, other)) == ["OK", "TRADE_UTI_EXISTS"]
    assert world.position(a, b).notional == 100


def test_an_unknown_member_or_instrument_is_refused() -> None:
    world = World()
    a, b, _ = world.members
    good = world.terms(a, b, 1, 1_000)
    tx = _both(world, msgspec.structs.replace(good, seller=STRANGER))
    assert STRANGER in _refused(world, tx, r.UnknownMember)
    tx = _both(world, msgspec.structs.replace(good, instrument=InstrumentCode("FWD-ZZZ")))
    assert _refused(world, tx, r.UnknownInstrument) == "instrument FWD-ZZZ"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"quantity": 0}, r.BadTrade),
        ({"quantity": -1}, r.BadTrade),
        ({"quantity": QUANTITY_MAX + 1}, r.BadTrade),
        ({"price": 0}, r.BadTrade),
        ({"price": -5}, r.BadTrade),
        ({"price": 10**9 + 1}, r.BadTrade),
        ({"trade_date": Date(20240230)}, BadIdentifier),
        ({"trade_date": Date(-1)}, BadIdentifier),
        ({"trade_date": Date(20240104)}, r.DatedAhead),
        ({"trade_date": Date(99991231)}, r.DatedAhead),
        ({"uti": Uti("nonsense")}, BadIdentifier),
        ({"uti": Uti("5493000IBP32UQZ0KL25X1")}, BadIdentifier),
        ({"reference": "x" * 129}, r.TextTooLong),
        ({"quantity": QUANTITY_MAX}, r.BadAmount),
    ],
)
def test_a_field_out_of_range_is_refused(
    change: dict[str, int | str], error: type[Rejection]
) -> None:
    world = World()
    a, b, _ = world.members
    trade = msgspec.structs.replace(world.terms(a, b, 1, 1_000), **change)
    _refused(world, _both(world, trade), error)
    assert world.state.scan(t.NETTING_SETS) == []


@pytest.mark.parametrize("date", [19991231, 20231230, 20240102, 20240103])
def test_a_trade_of_the_past_of_today_or_of_the_day_that_has_begun_is_taken(date: int) -> None:
    world = World()
    a, b, _ = world.members
    trade = msgspec.structs.replace(world.terms(a, b, 1, 1_000), trade_date=Date(date))
    world.must(world.register(trade, a, b))


def test_on_the_last_date_of_the_calendar_no_later_trade_is_taken() -> None:
    world = World(maturity=CALENDAR[4])
    a, b, _ = world.members
    for date in CALENDAR[:4]:
        world.close(date, AAA=1_000)
    trade = msgspec.structs.replace(world.terms(a, b, 1, 1_000), trade_date=Date(20240107))
    _refused(world, _both(world, trade), r.DatedAhead)
    world.must(_both(world, msgspec.structs.replace(trade, trade_date=CALENDAR[4])))


def test_the_value_a_set_could_reach_is_bounded_before_contracts_are_opened() -> None:
    world = World()
    a, b, _ = world.members
    most = (AMOUNT_MAX >> 1) // 10**8
    world.must(world.trade(a, b, most - 5, 10**9))
    detail = _refused(world, world.trade(b, a, 6, 1), r.BadAmount)
    assert detail == f"value of the set could reach {(most + 1) * 10**8}, at most {AMOUNT_MAX >> 1}"
    world.must(world.trade(b, a, 5, 1))


def test_a_trade_after_the_last_date_of_its_instrument_is_refused() -> None:
    world = World(maturity=20240102)
    a, b, _ = world.members
    world.must(world.trade(a, b, 1, 1_000))
    world.close(20240102, AAA=1_000)
    detail = _refused(world, world.trade(a, b, 1, 1_000), r.InstrumentMatured)
    assert detail == "FWD-AAA had its last date on 20240102"


def test_a_limit_binds_both_ways_whoever_set_it() -> None:
    world = World()
    a, b, c = world.members
    world.must(world.limit(a, b, 500))
    assert world.codes(world.trade(a, b, 6, 1_000)) == ["TRADE_LIMIT_REACHED"]
    detail = _refused(world, world.trade(b, a, 6, 1_000), r.LimitReached)
    assert detail == f"open notional with {b.lei} would be 600, limit of {a.lei} is 500"
    world.must(
        world.trade(a, b, 2, 1_000), world.trade(b, a, 3, 1_000), world.trade(a, c, 9, 1_000)
    )
    assert "would be 501" in _refused(world, world.trade(a, b, 1, 10), r.LimitReached)
    world.must(world.limit(b, a, 0))
    assert f"limit of {a.lei} is 500" in _refused(world, world.trade(a, b, 1, 10), r.LimitReached)
    world.must(world.limit(a, b, 10**6))
    assert f"limit of {b.lei} is 0" in _refused(world, world.trade(a, b, 1, 10), r.LimitReached)
    world.must(world.limit(b, a, 501))
    world.must(world.trade(a, b, 1, 10))


def test_a_maturing_contract_makes_room_under_a_limit() -> None:
    world = World(maturity=20240102, shares=("AAA",))
    a, b, _ = world.members
    world.must(world.limit(a, b, 100), world.trade(a, b, 1, 1_000))
    assert world.position(a, b).notional == 100
    world.close(20240102, AAA=1_000)
    assert world.position(a, b) == o.Settled(USD, 0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("bound", [-1, AMOUNT_MAX + 1, 2**64 - 1])
def test_a_limit_out_of_range_is_refused(bound: int) -> None:
    world = World()
    a, b, _ = world.members
    assert world.codes(world.limit(a, b, bound)) == ["AMOUNT_OUT_OF_RANGE"]


def test_a_limit_for_a_stranger_or_in_an_unknown_asset_is_refused() -> None:
    world = World()
    a, b, _ = world.members
    for action, code in (
        (SetLimit(a.lei, STRANGER, USD, 1), "MEMBER_UNKNOWN"),
        (SetLimit(STRANGER, a.lei, USD, 1), "MEMBER_UNKNOWN"),
        (SetLimit(a.lei, b.lei, AssetCode("XYZ"), 1), "ASSET_UNKNOWN"),
    ):
        assert world.codes(world.sign(action, a.key("governance"))) == [code]


def test_a_batch_registers_all_its_trades_or_none() -> None:
    world = World()
    a, b, _ = world.members
    keys = (a.key("trade"), b.key("trade"))
    trades = tuple(world.terms(*((a, b) if n % 2 else (b, a)), n, 1_000) for n in (1, 2, 3))
    bad = (*trades[:2], msgspec.structs.replace(trades[2], quantity=0))
    assert world.codes(world.sign(TradeBatch(bad), *keys)) == ["TRADE_OUT_OF_RANGE"]
    assert world.state.scan(t.CONTRACTS) == []
    assert world.state.scan(t.NETTING_SETS) == []
    applied = world.must(world.sign(TradeBatch(trades), *keys))
    assert len(applied.events) == 3
    assert (world.position(a, b).live, world.position(a, b).notional) == (3, 600)


def test_a_batch_is_refused_when_it_repeats_a_uti_or_holds_a_registered_one() -> None:
    world = World()
    a, b, _ = world.members
    keys = (a.key("trade"), b.key("trade"))
    one, two = (world.terms(a, b, n, 1_000) for n in (1, 2))
    twice = (one, msgspec.structs.replace(two, uti=one.uti))
    _refused(world, world.sign(TradeBatch(twice), *keys), r.DuplicateUti)
    world.must(_both(world, one))
    _refused(world, world.sign(TradeBatch((two, one)), *keys), r.DuplicateUti)
    assert world.position(a, b).live == 1


def test_a_batch_is_empty_or_mixed_or_too_long() -> None:
    world = World()
    a, b, c = world.members
    keys = (a.key("trade"), b.key("trade"))
    assert world.codes(world.sign(TradeBatch(()), *keys)) == ["TRADE_BATCH_INVALID"]
    mixed = (world.terms(a, b, 1, 1_000), world.terms(a, c, 1, 1_000))
    detail = _refused(world, world.sign(TradeBatch(mixed), *keys), r.BadBatch)
    assert detail == "trades of more than one pair of members"
    many = tuple(world.terms(a, b, 1, 1_000) for _ in range(BATCH_TRADES_MAX + 1))
    detail = _refused(world, world.sign(TradeBatch(many), *keys), r.BadBatch)
    assert detail == "has 1001 trades, 1 to 1000 allowed"
    world.must(world.sign(TradeBatch(many[:BATCH_TRADES_MAX]), *keys))
    assert world.position(a, b).live == BATCH_TRADES_MAX


def test_two_batches_that_share_a_uti_in_one_block_do_not_both_register() -> None:
    world = World()
    a, b, _ = world.members
    keys = (a.key("trade"), b.key("trade"))
    one, two, three = (world.terms(a, b, n, 1_000) for n in (1, 2, 3))
    first = world.sign(TradeBatch((one, two)), *keys)
    second = world.sign(TradeBatch((three, two)), *keys)
    assert world.codes(first, second) == ["OK", "TRADE_UTI_EXISTS"]
    assert world.position(a, b).live == 2


def test_terms_of_what_is_no_trade_need_no_check() -> None:
    world = World()
    check_terms(world.state, world.mint(world.members[0], 0))


def test_references_in_any_script_are_kept_as_they_are() -> None:
    world = World()
    a, b, _ = world.members
    text = "Kauf für Müller & 田中 – 🙂"
    trade = msgspec.structs.replace(world.terms(a, b, 1, 1_000), reference=text)
    world.must(_both(world, trade))
    contract = world.state.must(t.CONTRACTS, t.CONTRACTS.key(trade.uti))
    assert contract.trade.reference == text
