"""Laws of the ledger: conservation, order, replay, whatever members do."""

import itertools
import os

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger import objects as o
from ledger import sets
from ledger import tables as t
from ledger.actions import (
    Action,
    AgreeIm,
    AgreeMark,
    Allocate,
    AmendCsa,
    AmendTrade,
    Approve,
    AttestKyc,
    CancelBatch,
    CancelTrade,
    CastVote,
    CloseClientAccount,
    CommitMark,
    ConfirmTermination,
    ConsentNovation,
    CreateBatch,
    Exit,
    FeedMark,
    OpenClientAccount,
    PostIm,
    Propose,
    ProposeNovation,
    RaiseDispute,
    Redeem,
    RegisterCsa,
    RegisterTrade,
    RequestTermination,
    Resign,
    ReturnExcessIm,
    RevokeKyc,
    RotateKey,
    SetLimit,
    StandDown,
    SubmitContractMark,
    SubmitMark,
    SubmitOracle,
    SubstituteCollateral,
    TradeBatch,
    Transfer,
    WithdrawResignation,
)
from ledger.apply import apply_block
from ledger.execution import check_signers
from ledger.genesis import Genesis, genesis_state
from ledger.marks import digest
from ledger.rejections import WrongSigners
from ledger.state import Draft
from ledger.transactions import Transaction
from tests.ledger.defaults import fixed_terms
from tests.ledger.generated import RATE, Generator, rich
from tests.ledger.test_leaving import cooling_off
from tests.ledger.world import CALENDAR, USD, World, with_rulebook
from wire.errors import Rejection
from wire.ids import Date, FeedCode, InstrumentCode, Lei, Party, Uti, house
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
        self.world.apply(*(tx for tx in self.waiting if well_signed(self.world, tx)))
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


class Rules(RuleBasedStateMachine):
    """Any transactions of any kind, signed by all who must, between closes of dates.

    Half of them are drawn from their types alone; the others work on contracts, terms, marks and
    requests that are there, or hardly any would ever find both parties in agreement.
    """

    @initialize(data=st.data())
    def found(self, data: st.DataObject) -> None:
        self.world = World(members=4, maturity=CALENDAR[3], change=rich)
        self.generator = Generator(self.world, hostile=False)
        self.open_dates = list(CALENDAR)
        self.nonces = itertools.count(10**6)
        self.utis = itertools.count(100)
        self.committed: list[SubmitMark] = []
        csas = [RegisterCsa(data.draw(self.generator.of(o.Csa))) for _ in range(4)]
        trades = [RegisterTrade(self._trade(data)) for _ in range(6)]
        self.world.must(*[self.world.mint(who, 10**5) for who in self.world.members])
        self.world.apply(*self._signed(csas))
        self.world.apply(*self._signed(trades))

    def _trade(self, data: st.DataObject) -> o.Trade:
        buyer, seller = (self.world.members[n] for n in data.draw(st.permutations(range(4)))[:2])
        return o.Trade(
            uti=Uti(f"{buyer.lei}L{next(self.utis)}"),
            buyer=house(buyer.lei),
            seller=house(seller.lei),
            instrument=data.draw(self.generator.of(InstrumentCode)),
            quantity=data.draw(st.sampled_from([1, 10, 100])),
            price=data.draw(PRICE),
            trade_date=CALENDAR[0],
            source=o.TradeSource.OTC,
            reference="",
        )

    def _signed(self, actions: list[Action]) -> list[Transaction]:
        signed = [self.generator.signed(self.world, x, next(self.nonces)) for x in actions]
        return [tx for tx in signed if well_signed(self.world, tx)]

    @rule(data=st.data(), count=st.integers(1, 4))
    def anything(self, data: st.DataObject, count: int) -> None:
        actions = [data.draw(self.generator.actions()) for _ in range(count)]
        rare = (Resign, RevokeKyc, StandDown, SetLimit, RotateKey)
        kept = [x for x in actions if not isinstance(x, rare) or data.draw(st.integers(0, 9)) == 0]
        self.world.apply(*self._signed(kept))

    @rule(data=st.data())
    def trade(self, data: st.DataObject) -> None:
        self.world.apply(*self._signed([RegisterTrade(self._trade(data)) for _ in range(2)]))

    @rule(data=st.data(), what=st.integers(0, 4))
    def change_a_contract(self, data: st.DataObject, what: int) -> None:
        live = self.world.state.indexed(t.CONTRACTS, o.ContractState.LIVE)
        if not live:
            return
        trade = self.world.state.must(t.CONTRACTS, data.draw(st.sampled_from(live))).trade
        quantity = data.draw(st.integers(1, trade.quantity))
        price = data.draw(PRICE)
        third = self.world.members[data.draw(MEMBER)].lei
        leaving, staying = data.draw(st.permutations([trade.buyer, trade.seller]))
        new = Uti(f"{trade.uti[:20]}N{next(self.utis)}")
        sequences: tuple[list[Action], ...] = (
            [CancelTrade(trade.buyer, trade.seller, trade.uti)],
            [AmendTrade(msgspec.structs.replace(trade, quantity=quantity, price=price))],
            [
                RequestTermination(leaving, trade.uti, quantity, price),
                ConfirmTermination(staying, trade.uti, quantity, price),
            ],
            [RequestTermination(leaving, trade.uti, quantity, price)],
            [
                ProposeNovation(leaving, house(third), trade.uti, new, price - 1_000),
                ConsentNovation(house(third), trade.uti, new, price - 1_000),
                ConsentNovation(staying, trade.uti, new, price - 1_000),
            ],
        )
        self.world.apply(*self._signed(sequences[what]))

    @rule(data=st.data(), what=st.integers(0, 5), amount=st.sampled_from([1, 50, 500, 20_000]))
    def work_on_margin(self, data: st.DataObject, what: int, amount: int) -> None:
        rows = [row for _, row in self.world.state.scan(t.CSAS)]
        if not rows:
            return
        csa = data.draw(st.sampled_from(rows))
        party, other = data.draw(st.permutations([csa.first, csa.second]))
        drawn = data.draw(self.generator.of(o.Csa))
        amended = msgspec.structs.replace(
            drawn, first=csa.first, second=csa.second, version=csa.version + 1
        )
        action: Action = (
            PostIm(party, other, USD, amount),
            ReturnExcessIm(party, other, USD, amount),
            SubstituteCollateral(party, other, USD, amount, USD, amount + 1),
            AgreeIm(csa.first, csa.second, amount, 2 * amount),
            RaiseDispute(party, other, amount, "too much"),
            AmendCsa(amended),
        )[what]
        self.world.apply(*self._signed([action]))

    @rule(data=st.data(), apart=st.sampled_from([0, 5, 5_000]), reveal=st.booleans())
    def mark(self, data: st.DataObject, apart: int, reveal: bool) -> None:
        """Both parties of a pair that marks for itself commit, and perhaps reveal."""
        state = self.world.state
        date = self.world.network.business_date
        own = {}
        for key in state.indexed(t.CSAS, o.MarkSource.PARTIES):
            csa = state.must(t.CSAS, key)
            row = o.NettingSet(csa.first, csa.second, ())
            own[csa.first, csa.second] = [c.trade.uti for _, c in sets.contracts(state, row)]
        pairs = [pair for pair, found in own.items() if found]
        if not pairs or date is None:
            return
        first, second = data.draw(st.sampled_from(pairs))
        utis = sorted(own[first, second])
        value = data.draw(st.integers(-20_000, 20_000))
        mine = tuple(o.ContractMark(uti, value) for uti in utis)
        theirs = tuple(o.ContractMark(uti, value + apart) for uti in utis)
        commits: list[Action] = []
        reveals: list[Action] = []
        for party, other, said in (
            (first, second, mine),
            (second, first, theirs),
        ):
            commits.append(CommitMark(party, other, date, digest(b"", said)))
            reveals.append(SubmitMark(party, other, date, b"", said))
        self.world.apply(*self._signed(commits + (reveals if reveal else reveals[:1])))

    @rule(data=st.data(), agreed=st.booleans())
    def decide_a_dispute(self, data: st.DataObject, agreed: bool) -> None:
        disputes = self.world.state.scan(t.DISPUTES)
        if not disputes:
            return
        key, row = data.draw(st.sampled_from(disputes))
        first, second, asset = t.DISPUTES.parts(key)
        marks = tuple(o.ContractMark(mark.uti, mark.first // 2) for mark in row.marks)
        actions: list[Action] = [
            SubmitContractMark(who.lei, first, second, marks) for who in self.world.oracles
        ]
        self.world.apply(
            *self._signed([AgreeMark(first, second, asset, marks)] if agreed else actions)
        )

    @precondition(lambda self: self.open_dates)
    @rule(price=PRICE, rate=st.integers(-500, 500))
    def close(self, price: int, rate: int) -> None:
        date = self.open_dates.pop(0)
        marks = (FeedMark(FeedCode("EQ-AAA"), price), FeedMark(RATE, rate))
        self.world.apply(
            *[
                self.world.sign(SubmitOracle(who.lei, date, marks), who.key("oracle"))
                for who in self.world.oracles
            ]
        )

    @rule(blocks=st.integers(1, 5))
    def wait(self, blocks: int) -> None:
        for _ in range(blocks):
            self.world.apply()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle()


def well_signed(world: World, tx: Transaction) -> bool:
    """No proposer puts in what has wrong signers."""
    try:
        check_signers(Draft(world.state), tx)
    except WrongSigners:
        return False
    except Rejection:
        return True
    return True


TestMarket = Market.TestCase
TestRules = Rules.TestCase
EXAMPLES = int(os.environ.get("DCN_LAW_EXAMPLES", "25"))
TestMarket.settings = settings(max_examples=EXAMPLES, stateful_step_count=50, deadline=None)
TestRules.settings = TestMarket.settings


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


@given(order=st.permutations(range(8)))
@settings(max_examples=25)
def test_terms_margin_and_changes_of_different_pairs_reach_the_same_root_in_any_order(
    order: list[int],
) -> None:
    world = World(members=6, shares=("AAA", "BBB"))
    generator = Generator(world, hostile=False)
    a, b, c, d, e, f = world.members
    signed = [
        generator.signed(world, RegisterCsa(fixed_terms(*pair, 10)), number)
        for number, pair in enumerate(((a, b), (c, d)), 10**6)
    ]
    trades = [world.trade(a, b, 5, 900), world.trade(c, d, 5, 900), world.trade(e, f, 5, 900)]
    world.must(*[world.mint(who, 1_000) for who in world.members], *signed)
    world.must(*trades)
    uti = [tx.action.trade.uti for tx in trades if isinstance(tx.action, RegisterTrade)]
    actions: list[Action] = [
        PostIm(house(a.lei), house(b.lei), USD, 7),
        PostIm(house(c.lei), house(d.lei), USD, 8),
        RequestTermination(house(d.lei), uti[1], 2, 950),
        CancelTrade(house(e.lei), house(f.lei), uti[2]),
        RegisterCsa(fixed_terms(a, c, 10)),
        OpenClientAccount(b.lei, "C1", bytes(32)),
        SetLimit(d.lei, a.lei, USD, 5),
        ReturnExcessIm(house(b.lei), house(a.lei), USD, 1),  # fails: there is no excess
    ]
    block = world.next_block(
        [generator.signed(world, action, 2 * 10**6 + n) for n, action in enumerate(actions)]
    )
    straight = apply_block(world.state, block)
    assert [receipt.code for receipt in straight.receipts] == ["OK"] * 7 + ["IM_NOT_FREE"]
    shuffled = tuple(block.transactions[n] for n in order)
    other = apply_block(world.state, msgspec.structs.replace(block, transactions=shuffled))
    assert other.state.root == straight.state.root


def test_one_block_applied_twice_gives_equal_outcomes() -> None:
    world = World()
    a, b, _ = world.members
    block = world.next_block([world.mint(a, 5), world.trade(a, b, 1, 1_000)])
    one, two = apply_block(world.state, block), apply_block(world.state, block)
    assert one.state.root == two.state.root
    assert (one.changes, one.receipts, one.events) == (two.changes, two.receipts, two.events)
