"""What a network may be founded on; the state table, its drafts and its indexes."""

from collections.abc import Callable

import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.genesis import BadGenesis, Genesis, genesis_hash, genesis_state
from ledger.state import Draft, State
from tests.ledger.world import CALENDAR, USD, World, plan, with_rulebook
from wire import statetree
from wire.codec import encode
from wire.errors import BadIdentifier, BadProof, MalformedBytes
from wire.ids import Date
from wire.limits import AMOUNT_MAX, PRICE_MAX

replace = msgspec.structs.replace


def _member(number: int, **changes: object) -> Callable[[Genesis], Genesis]:
    def change(genesis: Genesis) -> Genesis:
        members = list(genesis.members)
        members[number] = replace(members[number], **changes)
        return replace(genesis, members=tuple(members))

    return change


def _first(field: str, **changes: object) -> Callable[[Genesis], Genesis]:
    def change(genesis: Genesis) -> Genesis:
        rows = getattr(genesis, field)
        return replace(genesis, **{field: (replace(rows[0], **changes), *rows[1:])})

    return change


def _twice(field: str) -> Callable[[Genesis], Genesis]:
    return lambda genesis: replace(genesis, **{field: getattr(genesis, field) * 2})


FIRST = World().genesis.members[0]
BAD: list[tuple[str, Callable[[Genesis], Genesis]]] = [
    ("asset stands twice", _twice("assets")),
    ("feed stands twice", _twice("feeds")),
    ("instrument stands twice", _twice("instruments")),
    ("member stands twice", _twice("members")),
    ("calendar is not ascending", _twice("calendar")),
    ("issuer of USD", _first("assets", issuer="5493000IBP32UQZ0KL24")),
    ("issuer of USD", _first("assets", issuer=FIRST.lei)),
    ("exponent of USD", _first("assets", exponent=9)),
    ("has no feed", _first("instruments", feed="EQ-X")),
    ("has no currency", _first("instruments", currency="EUR")),
    ("two scales", _first("instruments", price_scale=100)),
    (
        "is not positive",
        lambda g: _first("feeds", scale=0)(_first("instruments", price_scale=0)(g)),
    ),
    ("value_max", _first("feeds", value_max=0)),
    ("value_max", _first("feeds", value_max=PRICE_MAX + 1)),
    ("currency is no asset", with_rulebook(currency="EUR")),  # type: ignore[arg-type]
    ("minimum transfer amount", with_rulebook(minimum_transfer_amount=-1)),
    ("rounding unit", with_rulebook(rounding_unit=0)),
    ("rounding unit", with_rulebook(rounding_unit=AMOUNT_MAX + 1)),
    ("funding window", with_rulebook(funding_window_blocks=0)),
    ("no quorum", with_rulebook(oracle_quorum=2)),
    ("time", lambda g: replace(g, time_ms=-1)),
    ("0 validators", lambda g: replace(g, members=g.members[3:])),
    ("only they have vote keys", _member(0, seed_link=None)),
    ("only they have vote keys", _member(4, consensus_key=bytes(32), seed_link=bytes(32))),
    ("power 0", _member(0, power=0)),
    ("power 1", _member(4, power=1)),
    ("voting power", _member(0, power=AMOUNT_MAX)),
    ("a role twice", _member(0, roles=(o.Role.VALIDATOR, o.Role.VALIDATOR))),
    ("name is too long", _member(0, name="x" * 129)),
    ("key stands twice", _member(1, peer_key=FIRST.peer_key)),
    ("no acceptable Ed25519 key", _member(0, peer_key=bytes(32))),
    ("no acceptable Ed25519 key", _member(0, peer_key=b"short")),
]


@pytest.mark.parametrize(("why", "change"), BAD, ids=lambda value: str(value)[:24])
def test_a_genesis_that_contradicts_itself_is_refused(
    why: str, change: Callable[[Genesis], Genesis]
) -> None:
    with pytest.raises(BadGenesis, match=why):
        genesis_state(change(World().genesis))


@pytest.mark.parametrize(
    "change",
    [
        lambda g: replace(g, chain_id="Not A Chain"),
        lambda g: replace(g, calendar=(Date(20240230),)),
        _first("assets", code="usd"),
        _first("feeds", code="é"),
        _first("instruments", code=""),
        _first("instruments", maturity=0),
        _member(0, lei="NOT-AN-LEI"),
        _member(0, group="NOT-AN-LEI"),
    ],
)
def test_a_genesis_with_a_bad_identifier_is_refused(change: Callable[[Genesis], Genesis]) -> None:
    with pytest.raises((BadIdentifier, BadGenesis)):
        genesis_state(change(World().genesis))


def test_one_genesis_has_one_hash_and_one_root() -> None:
    one, two = World(), World()
    assert genesis_hash(one.genesis) == genesis_hash(two.genesis)
    assert one.state.root == two.state.root
    later = replace(one.genesis, time_ms=one.genesis.time_ms + 1)
    assert genesis_hash(later) != genesis_hash(one.genesis)
    assert genesis_state(later).root != one.state.root


def test_a_genesis_without_business_dates_opens_none() -> None:
    world = World(change=lambda g: replace(g, calendar=()))
    assert world.network.business_date is None
    assert world.apply().events == ()
    assert plan().calendar == CALENDAR


def test_every_row_can_be_proved_and_every_absence() -> None:
    world = World()
    world.must(world.mint(world.members[0], 5))
    for key, _ in world.state.rows():
        statetree.verify_state(world.state.prove(key), world.state.root)
    absent = t.own_account(world.members[1].lei, USD)
    proof = world.state.prove(absent)
    assert proof.row is None
    statetree.verify_state(proof, world.state.root)
    with pytest.raises(BadProof):
        statetree.verify_state(replace(proof, row=encode(o.Balance(5, 0))), world.state.root)


def test_a_stored_state_loads_to_the_same_root_and_indexes() -> None:
    world = World()
    a, b, _ = world.members
    world.must(world.trade(a, b, 1, 1_000), world.mint(a, 5))
    rows = [(key, encode(row)) for key, row in world.state.rows()]
    again = State.load(iter(sorted(rows)))
    assert again.root == world.state.root
    for table, value in ((t.CONTRACTS, o.ContractState.LIVE), (t.MEMBERS, o.Role.ORACLE)):
        assert again.indexed(table, value) == world.state.indexed(table, value)
        assert again.indexed(table, value)


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (b"", b""),
        (b"\xff", b""),
        (t.network_key(), b"\x01"),
        (t.own_account("A", "USD"), encode(o.Limit(1)) + b"\x00"),
    ],
)
def test_a_damaged_stored_row_is_named_malformed(key: bytes, row: bytes) -> None:
    with pytest.raises(MalformedBytes):
        State.load(iter([(key, row)]))


def test_a_draft_shows_its_own_changes_and_leaves_its_parent_alone() -> None:
    world = World()
    draft = Draft(world.state)
    inner = Draft(draft)
    key = t.CONTRACTS.key("X")
    a, b, _ = world.members
    contract = o.Contract(world.terms(a, b, 1, 1), o.ContractState.LIVE, 1, ())
    inner.put(t.CONTRACTS, key, contract)
    assert (inner.get(t.CONTRACTS, key), draft.get(t.CONTRACTS, key)) == (contract, None)
    assert inner.indexed(t.CONTRACTS, o.ContractState.LIVE) == [key]
    assert draft.indexed(t.CONTRACTS, o.ContractState.LIVE) == []
    inner.commit()
    assert draft.indexed(t.CONTRACTS, o.ContractState.LIVE) == [key]
    matured = replace(contract, state=o.ContractState.MATURED)
    draft.put(t.CONTRACTS, key, matured)
    assert draft.indexed(t.CONTRACTS, o.ContractState.LIVE) == []
    assert draft.indexed(t.CONTRACTS, o.ContractState.MATURED) == [key]
    draft.delete(key)
    assert draft.get(t.CONTRACTS, key) is None
    assert draft.indexed(t.CONTRACTS, o.ContractState.MATURED) == []
    after, changes = world.state.folded(draft)
    assert (after.root, changes) == (world.state.root, [])


def test_an_index_follows_a_row_through_change_and_deletion() -> None:
    world = World()
    key = t.NONCES.key(bytes(32), 1)
    state = world.state
    for value, found in ((5, [5]), (6, [6]), (None, [])):
        draft = Draft(state)
        if value is None:
            draft.delete(key)
        else:
            draft.put(t.NONCES, key, o.Nonce(value))
        state, _ = state.folded(draft)
        assert [n for n in (5, 6) if state.indexed(t.NONCES, n)] == found
    assert state.root == world.state.root


def test_a_key_of_one_table_is_no_key_of_another() -> None:
    world = World()
    with pytest.raises(AssertionError):
        world.state.get(t.BALANCES, t.network_key())
    with pytest.raises(AssertionError):
        world.state.must(t.LIMITS, t.LIMITS.key("A", "B", "C"))
    with pytest.raises(AssertionError):
        Draft(world.state).must(t.LIMITS, t.LIMITS.key("A", "B", "C"))
    assert len({table.tag for table in t.TABLES}) == len(t.TABLES) == len(t.BY_NAME)
