"""The read store says what the ledger says, however it has come about."""

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger import objects as o
from ledger import tables as t
from ledger.actions import Action, RegisterTrade, TradeBatch
from ledger.transactions import Transaction, decode_transaction
from node.observer.projection import begin, project
from node.observer.store import Reader, Writer
from tests.ledger.generated import Generator
from tests.ledger.test_laws import well_signed
from tests.ledger.world import CALENDAR, World
from tests.observer.chains import Recorded, contents, crisis, store_of
from wire.codec import encode
from wire.errors import MalformedBytes
from wire.ids import Date, member_of

GENERATOR = Generator(World(), hostile=True)


@pytest.fixture(scope="module")
def world() -> Recorded:
    """A history with trades, refusals, margin, rounds with cycles, a default and a sized fund."""
    return crisis()


@pytest.fixture(scope="module")
def whole(world: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Writer:
    """The store of all of it, fed a block at a time."""
    store = store_of(tmp_path_factory.mktemp("whole") / "store", world)
    for one in world.seen:
        project(store, [one])
    return store


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_store_is_the_same_however_the_blocks_come(
    world: Recorded, whole: Writer, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("parts") / "store"
    store = store_of(path, world)
    waiting = list(world.seen)
    while waiting:
        count = data.draw(st.integers(1, len(waiting)))
        again = data.draw(st.integers(0, 2))  # blocks that the store has already
        known = store.height
        project(store, [*world.seen[max(0, known - again) : known], *waiting[:count]])
        waiting = waiting[count:]
        if data.draw(st.booleans()):
            store.close()
            store = Writer(path, store.chain)
    assert contents(store) == contents(whole)
    store.close()


def is_decodable(tx: Transaction) -> bool:
    """Whether it could come over the wire."""
    try:
        return decode_transaction(encode(tx)) == tx
    except (MalformedBytes, OverflowError):
        return False


EMPTY = TradeBatch(())
FAR = Date(2**64 - 1)


@settings(
    max_examples=int(os.environ.get("DCN_PROJECTED_ACTIONS", "40")), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@example(actions=[EMPTY])
@example(actions=[None])
@given(actions=st.lists(GENERATOR.actions(), min_size=1, max_size=8))
def test_no_transaction_that_a_block_may_hold_stops_the_store(
    tmp_path_factory: pytest.TempPathFactory, actions: list[Action | None]
) -> None:
    """A proposer may put in whatever is signed: the ledger refuses it, and it is shown as that."""
    world = Recorded(members=3, maturity=CALENDAR[4])
    a, b, _ = world.members
    late = RegisterTrade(replace(world.terms(a, b, 1, 1_000), trade_date=FAR))
    given = [late if one is None else one for one in actions]
    made = [GENERATOR.signed(world, one, nonce) for nonce, one in enumerate(given, 900)]
    world.apply(*[tx for tx in made if is_decodable(tx) and well_signed(world, tx)])
    store = store_of(tmp_path_factory.mktemp("hostile") / "store", world)
    project(store, world.seen)
    shown = Reader(store.db).rows("SELECT code FROM transactions ORDER BY position")
    assert shown == [(x.code,) for x in world.seen[-1].applied.receipts]
    store.close()


NOW = {
    "members": "lei, name, parent, roles, state, power FROM members",
    "assets": "code, exponent FROM assets",
    "sets": "first, second, asset, settled, notional, live, held_first, held_second FROM sets",
    "balances": "lei, kind, reference, asset, balance, locked FROM balances WHERE balance<>0",
    "trades": "uti, buyer, seller, quantity, price, notional, state FROM trades WHERE state='LIVE'",
    "calls": "id, kind, payer, receiver, amount, undisputed, state FROM calls WHERE ended=0",
    "disputes": "first, second, asset, value_first FROM disputes WHERE ended=0",
    "contributions": "service, lei, has, required, used FROM contributions",
    "cases": "number, defaulter, state, loss FROM cases",
    "rounds": "number, date, state, root FROM rounds",
}
"""What the tables say of now, apart from how it has come about."""


@pytest.mark.parametrize("share", [1, 2, 3])
def test_a_store_that_begins_with_a_snapshot_says_the_same_of_now(
    world: Recorded, whole: Writer, tmp_path: Path, share: int
) -> None:
    at = len(world.seen) * share // 4
    store = Writer(tmp_path / "store", whole.chain)
    begin(store, world.seen[at].before)
    project(store, world.seen[at:])
    assert Reader(store.db).from_height == world.seen[at].height
    for name, query in NOW.items():
        found = [sorted(one.db.execute(f"SELECT {query}").fetchall()) for one in (store, whole)]
        assert found[0] == found[1], name
    store.close()


def test_the_tables_say_what_the_state_says(world: Recorded, whole: Writer) -> None:
    state, db = world.state, whole.db
    assert dict(db.execute("SELECT uti, state FROM trades")) == {
        row.trade.uti: o.ContractState(row.state).name for _, row in state.scan(t.CONTRACTS)
    }
    held = {
        (lei, o.AccountKind(kind).name, reference, asset): row.balance
        for key, row in state.scan(t.BALANCES)
        for lei, kind, reference, asset in [t.BALANCES.parts(key)]
    }
    query = "SELECT lei, kind, reference, asset, balance FROM balances WHERE balance<>0"
    assert {tuple(row[:4]): row[4] for row in db.execute(query)} == {
        slot: balance for slot, balance in held.items() if balance
    }
    open_calls = {t.CALLS.parts(key)[0].hex() for key, _ in state.scan(t.CALLS)}
    assert {ident for (ident,) in db.execute("SELECT id FROM calls WHERE ended=0")} == open_calls
    assert db.execute("SELECT COUNT(*) FROM blocks").fetchone()[0] == len(world.seen)
    refused = db.execute("SELECT COUNT(*) FROM transactions WHERE code<>'OK'").fetchone()[0]
    assert refused == 1


def test_exposures_are_the_sums_of_contract_values(world: Recorded, whole: Writer) -> None:
    """By trades, marks and heights alone, without the ledger's code; one minor unit is one here."""
    trades = {
        row.trade.uti: (row.trade, row.height, o.ContractState(row.state))
        for _, row in world.state.scan(t.CONTRACTS)
    }
    marks: dict[int, int] = dict(whole.db.execute("SELECT date, value FROM marks"))
    dates = whole.db.execute("SELECT date, height FROM dates ORDER BY date").fetchall()
    assert len(dates) == 3
    scale = world.state.must(t.INSTRUMENTS, t.INSTRUMENTS.key("FWD-AAA")).price_scale
    date, height = dates[0]
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for trade, registered, _ in trades.values():
        if registered <= height:
            gain = trade.quantity * (marks[date] - trade.price) * 100
            assert gain % scale == 0, "choose prices whose cents are whole"
            gain //= scale
            first, second = sorted((trade.buyer, trade.seller))
            seen = gain if trade.buyer == first else -gain
            sums[first, second][seen < 0] += abs(seen)
    query = "SELECT first, second, gross_first, gross_second FROM exposures WHERE date=?"
    found = {(a, b): [x, y] for a, b, x, y in whole.db.execute(query, (date,))}
    assert found == dict(sums)


def test_a_round_adds_up_pair_by_pair_and_cycle_by_cycle(whole: Writer) -> None:
    db = whole.db
    query = (
        "SELECT f.number, f.asset, gross, set_off, cleared, remaining, discharged, cycles, "
        "r.state FROM round_figures f JOIN rounds r ON r.number=f.number"
    )
    with_cycles = 0
    for number, asset, gross, set_off, cleared, remaining, discharged, count, state in db.execute(
        query
    ).fetchall():
        if state != "SETTLED":
            continue
        pairs = db.execute(
            "SELECT debtor, creditor, owed, set_off, cycled, settled FROM round_pairs "
            "WHERE number=? AND asset=?",
            (number, asset),
        ).fetchall()
        assert [sum(column) for column in zip(*(row[2:] for row in pairs), strict=True)] == [
            gross, set_off, cleared, discharged,
        ]  # fmt: skip
        assert gross - set_off - cleared == remaining
        cycled = {(row[0], row[1]): row[4] for row in pairs}
        found: dict[tuple[str, str], int] = defaultdict(int)
        cycles = db.execute(
            "SELECT amount, members FROM cycles WHERE number=? AND asset=?", (number, asset)
        ).fetchall()
        assert len(cycles) == count
        for amount, names in cycles:
            members = names.split()
            for one, other in zip(members, [*members[1:], members[0]], strict=True):
                found[one, other] += amount
        assert dict(found) == {pair: amount for pair, amount in cycled.items() if amount}
        with_cycles += bool(cycles)
    assert with_cycles


def test_the_fund_is_held_against_the_two_largest_losses(whole: Writer) -> None:
    db = whole.db
    sizes = db.execute("SELECT date, requirement, scenario, parents FROM fund_sizes").fetchall()
    assert len(sizes) == 3
    date, requirement, scenario, parents = sizes[0]
    worst = []
    for (name,) in db.execute("SELECT DISTINCT scenario FROM stressed").fetchall():
        losses = db.execute(
            "SELECT loss, parent FROM stressed WHERE date=? AND scenario=? "
            "ORDER BY loss DESC, parent LIMIT 2",
            (date, name),
        ).fetchall()
        largest = [one for one in losses if one[0] > 0]
        worst.append((sum(loss for loss, _ in largest), name, [who for _, who in largest]))
    total, name, who = max(worst)
    assert (requirement, scenario, parents.split()) == (total, name, who)
    assert requirement > 0


def test_a_case_is_told_from_notice_to_the_loss_borne(world: Recorded, whole: Writer) -> None:
    db = whole.db
    number, defaulter, loss, applied = db.execute(
        "SELECT number, defaulter, loss, applied FROM cases"
    ).fetchone()
    assert defaulter == world.members[3].lei
    assert sum(one["amount"] for one in json.loads(applied)) == loss > 0
    steps = db.execute(
        "SELECT type, rule FROM case_steps WHERE number=? ORDER BY height, place", (number,)
    ).fetchall()
    kinds = [kind for kind, _ in steps]
    order = ["NoticeGiven", "DefaultDeclared", "ClosedOut", "ClaimCovered"]
    assert [kinds.index(kind) for kind in order] == sorted(kinds.index(kind) for kind in order)
    assert all(rule.startswith("rulebook 1, ") for _, rule in steps)


def test_every_call_ends_as_its_events_say(world: Recorded, whole: Writer) -> None:
    rows = whole.db.execute("SELECT id, issued, state, ended, payer, rule FROM calls").fetchall()
    states = {state for _, _, state, _, _, _ in rows}
    assert "SETTLED" in states
    leis = {who.lei for who in world.members}
    for _, issued, state, ended, payer, rule in rows:
        assert member_of(payer) in leis
        assert rule == "rulebook 1, MARGIN"
        closed = state in ("SETTLED", "REPLACED", "DISCHARGED")
        assert closed == bool(ended)
        assert not ended or ended >= issued


def test_sums_beyond_64_bits_are_exact(tmp_path: Path, world: Recorded) -> None:
    from node.observer.store import exact
    from node.observer.store import whole as joined

    store = store_of(tmp_path / "store", world)
    values = [2**62, 2**62, 2**62, -5, 2**61 + 3, -(2**62)]
    store.db.execute("CREATE TABLE big (x INTEGER)")
    store.db.executemany("INSERT INTO big VALUES (?)", [(x,) for x in values])
    row: Any = store.db.execute(f"SELECT {exact('x')} FROM big").fetchone()
    assert joined(*row) == sum(values)
    store.close()
