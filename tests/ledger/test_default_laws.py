"""Whatever members, supervisors and markets do in and around defaults: every invariant holds."""

import os

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    CureDefault,
    DistributeRecovery,
    NotifyInsolvency,
    RecordRecovery,
    ReleaseEstate,
    Stay,
    SubmitQuote,
    WithdrawCase,
    WithdrawFund,
)
from ledger.apply import apply_block
from ledger.execution import check_signers
from ledger.genesis import genesis_state
from ledger.rejections import WrongSigners
from ledger.state import Draft
from ledger.transactions import Transaction
from ledger.waterfall import CLASSIC, DCN
from tests.ledger import defaults
from tests.ledger.world import CALENDAR, World
from wire.errors import Rejection
from wire.ids import InstrumentCode

MEMBER = st.integers(0, 3)
AMOUNT = st.sampled_from([0, 1, 7, 500, 10**6, 2**61, -1]) | st.integers(1, 10**5)
CASE = st.integers(0, 3)


class Crisis(RuleBasedStateMachine):
    """A small network in which anybody can be put in default at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Transaction] = []
        self.open_dates = list(CALENDAR)

    @initialize(
        order=st.sampled_from([CLASSIC, DCN]),
        protected=st.booleans(),
        porting=st.integers(0, 2),
        recourse=st.sampled_from(o.Recourse),
        repay=st.sampled_from(o.RepayOrder),
    )
    def found(
        self,
        order: tuple[o.Tranche, ...],
        protected: bool,
        porting: int,
        recourse: o.Recourse,
        repay: o.RepayOrder,
    ) -> None:
        fall = o.StressScenario("fall", (o.Shift(defaults.feed("AAA"), -3_000),))
        self.world = defaults.world_of(
            4, order=order, protected_after_entry=protected, porting=porting,
            recourse=recourse, repay=repay, scenarios=(fall,),
        )  # fmt: skip
        world = self.world
        a, b, c, d = world.members
        world.must(*[world.mint(who, 10**5) for who in (*world.members, world.issuer)])
        world.must(
            defaults.fixed_margin(world, a, b, 3_000),
            defaults.capital(world, 5_000),
            *[defaults.contribution(world, who, 2_000) for who in world.members],
        )
        world.must(world.trade(a, b, 90, 1_000), world.trade(c, d, 90, 1_000))

    @rule(to=MEMBER, amount=AMOUNT)
    def mint(self, to: int, amount: int) -> None:
        self.waiting.append(self.world.mint(self.world.members[to], amount))

    @rule(pair=st.permutations(range(4)), amount=AMOUNT)
    def pay(self, pair: list[int], amount: int) -> None:
        one, other = (self.world.members[n] for n in pair[:2])
        self.waiting.append(self.world.transfer(one, other, amount))

    @rule(who=MEMBER, to=MEMBER)
    def spend_everything(self, who: int, to: int) -> None:
        one, other = self.world.members[who], self.world.members[to]
        self.waiting.append(self.world.transfer(one, other, self.world.cash(one)))

    @rule(pair=st.permutations(range(4)), quantity=st.integers(1, 900), price=st.integers(1, 2_000))
    def trade(self, pair: list[int], quantity: int, price: int) -> None:
        one, other = (self.world.members[n] for n in pair[:2])
        self.waiting.append(self.world.trade(one, other, quantity, price))

    @rule(who=MEMBER, amount=AMOUNT, out=st.booleans())
    def fund(self, who: int, amount: int, out: bool) -> None:
        member = self.world.members[who]
        paid = defaults.contribution(self.world, member, amount)
        if out:
            service = self.world.genesis.rulebook.service
            action = WithdrawFund(member.lei, service, amount)
            paid = self.world.sign(action, member.key("treasury"))
        self.waiting.append(paid)

    @rule(who=MEMBER, itself=st.booleans())
    def notice(self, who: int, itself: bool) -> None:
        member = self.world.members[who]
        by = member if itself else self.world.observer
        action = NotifyInsolvency(by.lei, member.lei, "")
        self.waiting.append(self.world.sign(action, by.key("governance")))

    @rule(number=CASE, what=st.integers(0, 3), amount=AMOUNT)
    def authority(self, number: int, what: int, amount: int) -> None:
        lei = self.world.observer.lei
        actions = (
            Stay(lei, number, amount, ""),
            Stay(lei, number, 3, ""),
            WithdrawCase(lei, number, ""),
            ReleaseEstate(lei, number, amount, ""),
        )
        key = self.world.observer.key("governance")
        self.waiting.append(self.world.sign(actions[what], key))

    @rule(who=MEMBER, number=CASE, what=st.integers(0, 3), amount=AMOUNT)
    def work_a_case(self, who: int, number: int, what: int, amount: int) -> None:
        member = self.world.members[who]
        actions = (
            (CureDefault(member.lei, number), "treasury"),
            (SubmitQuote(member.lei, number, InstrumentCode("FWD-AAA"), amount), "trade"),
            (RecordRecovery(member.lei, number, amount, ""), "treasury"),
            (DistributeRecovery(member.lei, number), "governance"),
        )
        action, role = actions[what]
        self.waiting.append(self.world.sign(action, member.key(role)))

    @rule()
    def decide(self) -> None:
        self.world.apply(*(tx for tx in self.waiting if self._well_signed(tx)))
        self.waiting = []

    @rule(blocks=st.integers(1, 6))
    def wait(self, blocks: int) -> None:
        for _ in range(blocks):
            self.world.apply()

    @precondition(lambda self: self.open_dates)
    @rule(mark=st.integers(1, 3_000))
    def close(self, mark: int) -> None:
        self.decide()
        self.world.close(self.open_dates.pop(0), AAA=mark)

    def _well_signed(self, tx: Transaction) -> bool:
        try:
            check_signers(Draft(self.world.state), tx)
        except WrongSigners:
            return False
        except Rejection:
            return True
        return True

    def teardown(self) -> None:
        """Open rounds settle, cases come to their end, and a replay leads to the same root."""
        if hasattr(self, "world"):
            self.decide()
            self.world.settle()
            for date in self.open_dates[:2]:
                self.world.close(date, AAA=1_000)
                self.world.settle()
            state = genesis_state(self.world.genesis)
            for block in self.world.blocks:
                state = apply_block(state, block).state
            assert state.root == self.world.state.root
            _check_losses(self.world)


def _check_losses(world: World) -> None:
    """Each loss is what tranches bore, and named residuals; nobody is repaid more than it bore."""
    for key, row in world.state.scan(t.DEFAULT_CASES):
        (number,) = t.DEFAULT_CASES.parts(key)
        claims = [
            claim
            for at, claim in world.state.scan(t.LOSS_CLAIMS)
            if t.LOSS_CLAIMS.parts(at)[0] == number
        ]
        assert row.loss == sum(claim.amount for claim in claims)
        assert row.loss == sum(part.amount for claim in claims for part in claim.covered) + sum(
            claim.residual for claim in claims
        )
        assert row.repaid <= row.recovered
        event(f"a case ended at {o.CaseState(row.state).name}")


TestCrisis = Crisis.TestCase
EXAMPLES = int(os.environ.get("DCN_LAW_EXAMPLES", "25"))
TestCrisis.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
