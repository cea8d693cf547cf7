"""Laws of the ledger: conservation, order, replay, whatever members do."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger import tables as t
from ledger.apply import apply_block
from ledger.genesis import genesis_state
from ledger.transactions import Redeem, TradeBatch, Transaction
from tests.ledger.world import CALENDAR, USD, World, with_rulebook

MEMBER = st.integers(0, 3)
AMOUNT = st.sampled_from([1, 7, 500, 10**6, 2**61]) | st.integers(1, 10**5)
PRICE = st.integers(500, 2_000)


class Market(RuleBasedStateMachine):
    """Members pay, trade and are margined; `World.apply` checks every invariant in full."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Transaction] = []
        self.open_dates = list(CALENDAR)

    @initialize(minimum=st.sampled_from([0, 300]), unit=st.sampled_from([1, 50]))
    def found(self, minimum: int, unit: int) -> None:
        change = with_rulebook(minimum_transfer_amount=minimum, rounding_unit=unit)
        self.world = World(members=4, shares=("AAA", "BBB"), maturity=CALENDAR[3], change=change)

    @rule(to=MEMBER, amount=AMOUNT)
    def mint(self, to: int, amount: int) -> None:
        self.waiting.append(self.world.mint(self.world.members[to], amount))

    @rule(amount=AMOUNT, payer=MEMBER)
    def redeem(self, amount: int, payer: int) -> None:
        world = self.world
        self.waiting.append(world.transfer(world.members[payer], world.issuer, amount))
        self.waiting.append(world.sign(Redeem(USD, amount, ""), world.issuer.key("treasury")))

    @rule(sender=MEMBER, to=MEMBER, amount=AMOUNT)
    def transfer(self, sender: int, to: int, amount: int) -> None:
        members = self.world.members
        self.waiting.append(self.world.transfer(members[sender], members[to], amount))

    @rule(pair=st.permutations(range(4)), quantity=st.integers(1, 10_000), price=PRICE)
    def trade(self, pair: list[int], quantity: int, price: int) -> None:
        buyer, seller = (self.world.members[n] for n in pair[:2])
        self.waiting.append(self.world.trade(buyer, seller, quantity, price))

    @rule(pair=st.permutations(range(4)), sizes=st.lists(st.integers(0, 99), max_size=4))
    def batch(self, pair: list[int], sizes: list[int]) -> None:
        buyer, seller = (self.world.members[n] for n in pair[:2])
        trades = tuple(self.world.terms(buyer, seller, n, 1_000, "BBB") for n in sizes)
        keys = (buyer.key("trade"), seller.key("trade"))
        self.waiting.append(self.world.sign(TradeBatch(trades), *keys))

    @rule(pair=st.permutations(range(4)), bound=st.integers(0, 10**6))
    def limit(self, pair: list[int], bound: int) -> None:
        one, other = (self.world.members[n] for n in pair[:2])
        self.waiting.append(self.world.limit(one, other, bound))

    @rule()
    def decide(self) -> None:
        self.world.apply(*self.waiting)
        self.waiting = []

    @precondition(lambda self: self.open_dates)
    @rule(first=PRICE, second=PRICE)
    def close(self, first: int, second: int) -> None:
        self.decide()
        self.world.close(self.open_dates.pop(0), AAA=first, BBB=second)

    @invariant()
    def every_cent_is_somewhere(self) -> None:
        if hasattr(self, "world"):
            state = self.world.state
            asset = state.must(t.ASSETS, t.ASSETS.key(USD))
            held = sum(row.balance for _, row in state.scan(t.BALANCES))
            assert held == asset.minted - asset.redeemed

    def teardown(self) -> None:
        """In the end every open round settles, and a replay leads to the same root."""
        if hasattr(self, "world"):
            self.world.settle()
            state = genesis_state(self.world.genesis)
            for block in self.world.blocks:
                state = apply_block(state, block).state
            assert state.root == self.world.state.root


TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@given(order=st.permutations(range(7)))
@settings(max_examples=25)
def test_transactions_that_do_not_conflict_reach_the_same_root_in_any_order(
    order: list[int],
) -> None:
    world = World(members=4, shares=("AAA", "BBB"))
    a, b, c, d = world.members
    world.must(world.mint(a, 100), world.mint(c, 100))
    oracle = world.oracles[0]
    transactions = [
        world.transfer(a, b, 60),
        world.transfer(c, d, 70),
        world.trade(a, b, 5, 900),
        world.trade(d, c, 5, 900),
        world.limit(a, c, 1),
        world.marks(oracle, CALENDAR[0], AAA=5),
        world.mint(b, 0),  # fails, and uses up its nonce
    ]
    block = world.next_block(transactions)
    straight = apply_block(world.state, block)
    shuffled = tuple(block.transactions[n] for n in order)
    other = apply_block(world.state, msgspec.structs.replace(block, transactions=shuffled))
    assert other.state.root == straight.state.root
    assert [other.receipts[order.index(n)] for n in range(7)] == list(straight.receipts)


def test_one_block_applied_twice_gives_equal_outcomes() -> None:
    world = World()
    a, b, _ = world.members
    block = world.next_block([world.mint(a, 5), world.trade(a, b, 1, 1_000)])
    one, two = apply_block(world.state, block), apply_block(world.state, block)
    assert one.state.root == two.state.root
    assert (one.changes, one.receipts, one.events) == (two.changes, two.receipts, two.events)
