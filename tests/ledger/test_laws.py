"""Laws of the ledger: conservation, order, replay, whatever members do."""

import os

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    Allocate,
    Approve,
    AttestKyc,
    CancelBatch,
    CastVote,
    CloseClientAccount,
    CreateBatch,
    Exit,
    OpenClientAccount,
    Propose,
    Redeem,
    Resign,
    RevokeKyc,
    StandDown,
    TradeBatch,
    Transfer,
    WithdrawResignation,
)
from ledger.apply import apply_block
from ledger.execution import check_signers
from ledger.genesis import Genesis, genesis_state
from ledger.rejections import WrongSigners
from ledger.state import Draft
from ledger.transactions import Transaction
from tests.ledger.test_leaving import cooling_off
from tests.ledger.world import CALENDAR, USD, World, with_rulebook
from wire.errors import Rejection
from wire.ids import Date, Lei, Party, house
from wire.signing import SigningKey

MEMBER = st.integers(0, 3)
AMOUNT = st.sampled_from([1, 7, 500, 10**6, 2**61]) | st.integers(1, 10**5)
PRICE = st.integers(500, 2_000)


class Market(RuleBasedStateMachine):
    """Members pay, trade and are margined; `World.apply` checks every invariant in full."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Transaction] = []
        self.open_dates = list(CALENDAR)
        self.batches: list[tuple[Lei, str]] = []

    @initialize(minimum=st.sampled_from([0, 300]), unit=st.sampled_from([1, 50]))
    def found(self, minimum: int, unit: int) -> None:
        rulebook = with_rulebook(minimum_transfer_amount=minimum, rounding_unit=unit)
        leaves = cooling_off(2)

        def change(genesis: Genesis) -> Genesis:
            return leaves(rulebook(genesis))

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

    @rule(proposer=MEMBER, about=MEMBER, power=st.integers(0, 3), kind=st.integers(0, 3))
    def propose(self, proposer: int, about: int, power: int, kind: int) -> None:
        who, lei = self.world.members[proposer], self.world.members[about].lei
        bodies = (
            o.SetPower(lei, power),
            o.SuspendMember(lei),
            o.ReinstateMember(lei, power),
            o.RecoverKey(lei, o.KeyRole.TRADE, SigningKey(bytes([power, about]) * 16).public),
        )
        action = Propose(who.lei, bodies[kind], "")
        self.waiting.append(self.world.sign(action, who.key("governance")))

    @rule(voter=MEMBER, back=st.integers(0, 2), in_favour=st.sampled_from([True, True, False]))
    def vote(self, voter: int, back: int, in_favour: bool) -> None:
        who = self.world.members[voter]
        number = max(1, self.world.network.proposals - back)
        action = CastVote(who.lei, number, in_favour)
        self.waiting.append(self.world.sign(action, who.key("governance")))

    @rule(by=st.integers(0, 3), about=MEMBER, revoke=st.booleans())
    def attest(self, by: int, about: int, revoke: bool) -> None:
        """Three attestors and the authority."""
        who = [*self.world.attestors, self.world.observer][by]
        lei, file = self.world.members[about].lei, bytes(32)
        action = (
            RevokeKyc(who.lei, lei, file)
            if revoke
            else AttestKyc(who.lei, lei, file, Date(20250101))
        )
        self.waiting.append(self.world.sign(action, who.key("governance")))

    @rule(who=MEMBER, what=st.integers(0, 2))
    def leave(self, who: int, what: int) -> None:
        member = self.world.members[who]
        action = (Resign, WithdrawResignation, Exit)[what](member.lei)
        self.waiting.append(self.world.sign(action, member.key("governance")))

    @rule(who=MEMBER, to=MEMBER, amount=AMOUNT, what=st.integers(0, 4))
    def work_for_a_client(self, who: int, to: int, amount: int, what: int) -> None:
        member, other = self.world.members[who], self.world.members[to]
        mine, theirs = Party(f"{member.lei}:C"), Party(f"{other.lei}:C")
        actions = (
            OpenClientAccount(member.lei, "C", bytes(32)),
            Transfer(USD, house(member.lei), mine, amount, ""),
            Transfer(USD, mine, theirs, amount, ""),
            Transfer(USD, mine, house(self.world.issuer.lei), amount, ""),
            CloseClientAccount(member.lei, "C"),
        )
        key = member.key("treasury" if isinstance(actions[what], Transfer) else "governance")
        self.waiting.append(self.world.sign(actions[what], key))

    @rule(who=MEMBER)
    def stand_down(self, who: int) -> None:
        member = self.world.members[who]
        self.waiting.append(self.world.sign(StandDown(member.lei), member.key("governance")))

    @rule(
        pair=st.permutations(range(4)),
        amount=AMOUNT,
        ahead=st.integers(1, 5),
        retries=st.integers(0, 2),
    )
    def instruct(self, pair: list[int], amount: int, ahead: int, retries: int) -> None:
        one, other = (self.world.members[n] for n in pair[:2])
        legs = (o.Leg(one.lei, other.lei, USD, amount), o.Leg(other.lei, one.lei, USD, 7))
        reference = str(len(self.batches) + 1)
        deadline = self.world.height + ahead
        action = CreateBatch(one.lei, reference, legs, None, deadline, retries, False)
        self.batches.append((one.lei, reference))
        self.waiting.append(self.world.sign(action, one.key("treasury")))

    @precondition(lambda self: self.batches)
    @rule(who=MEMBER, back=st.integers(0, 2), what=st.integers(0, 5))
    def work_a_batch(self, who: int, back: int, what: int) -> None:
        member = self.world.members[who]
        creator, reference = self.batches[-1 - back % len(self.batches)]
        kinds = (Allocate, Allocate, Approve, Approve, Approve, CancelBatch)
        action = kinds[what](member.lei, creator, reference)
        self.waiting.append(self.world.sign(action, member.key("treasury")))

    @rule()
    def decide(self) -> None:
        self.world.apply(*(tx for tx in self.waiting if self._well_signed(tx)))
        self.waiting = []

    def _well_signed(self, tx: Transaction) -> bool:
        """No proposer puts in what a rotated key has signed."""
        try:
            check_signers(Draft(self.world.state), tx)
        except WrongSigners:
            return False
        except Rejection:
            return True
        return True

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
EXAMPLES = int(os.environ.get("DCN_LAW_EXAMPLES", "40"))
TestMarket.settings = settings(max_examples=EXAMPLES, stateful_step_count=50, deadline=None)


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
