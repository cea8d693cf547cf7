"""A default stays where it belongs: random networks, in each of which somebody defaults.

A member that neither faced a defaulter nor contributed to the fund loses nothing: none of its
claims is reduced, it bears no tranche, and whatever it receives later than due is on record as a
liquidity event. Every loss is what tranches bore and named residuals, to the unit.
"""

import os
import random
from collections import defaultdict

import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.apply import Applied, apply_block
from ledger.events import CallIssued, DefaultDeclared, RoundRecomputed
from ledger.invariants import check_full
from ledger.transactions import Transaction
from ledger.waterfall import CLASSIC, DCN
from node.founding import Identity
from tests.ledger import defaults
from tests.ledger.world import CALENDAR, World
from wire.ids import Party

NETWORKS = int(os.environ.get("DCN_CONTAINMENT", "50"))


class Network:
    """A random network and everything its blocks have done."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = defaults.world_of(
            self.chance.choice([5, 6, 8]),
            porting=self.chance.randrange(3),
            order=self.chance.choice([CLASSIC, DCN]),
            protected_after_entry=self.chance.random() < 0.2,
        )
        self.members = self.world.members
        self.blocks: list[Applied] = []
        self.faced: dict[str, set[str]] = defaultdict(set)

    def block(self, *transactions: Transaction) -> Applied:
        """One block; who is in default can no longer trade, the rest succeeds."""
        applied = apply_block(self.world.state, self.world.next_block(transactions))
        self.world.state = applied.state
        self.blocks.append(applied)
        return applied

    def found(self) -> None:
        """Cash, contributions of some, contracts between some."""
        chance, world = self.chance, self.world
        self.block(*[world.mint(who, chance.choice([0, 50_000, 10**6])) for who in self.members])
        self.block(
            world.mint(world.issuer, 20_000),
            *[
                defaults.contribution(world, who, chance.randrange(1, 20_000))
                for who in self.members
                if chance.random() < 0.4
            ],
        )
        self.block(defaults.capital(world, chance.randrange(1, 20_000)))
        for _ in range(chance.randrange(4, 12)):
            one, other = chance.sample(self.members, 2)
            self.faced[one.lei].add(other.lei)
            self.faced[other.lei].add(one.lei)
            self.block(world.trade(one, other, chance.randrange(1, 400), 1_000))

    def run(self) -> None:
        """Business dates with large moves; on one of them one or two members are directed into
        default, at any stage of a round."""
        self.found()
        chance, world = self.chance, self.world
        bad = chance.sample(self.members, chance.choice([1, 1, 2]))
        day = chance.randrange(3)
        for number, date in enumerate(CALENDAR):
            if number == day:
                self.block(*[defaults.directed(world, who) for who in bad])
            self.block(*world.all_marks(date, AAA=chance.randrange(300, 2_000)))
            for _ in range(chance.randrange(1, 8)):
                self.block()

    def outsiders(self) -> list[Identity]:
        """Who neither faced anybody that defaulted, nor contributed."""
        declared = {
            event.member
            for applied in self.blocks
            for event in applied.events
            if isinstance(event, DefaultDeclared)
        }
        contributed = {
            t.CONTRIBUTIONS.parts(key)[1] for key, _ in self.world.state.scan(t.CONTRIBUTIONS)
        }
        return [
            who
            for who in self.members
            if who.lei not in declared | contributed and not self.faced[who.lei] & declared
        ]


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_a_default_touches_its_counterparties_and_contributors_only(seed: int) -> None:
    network = Network(seed)
    network.run()
    check_full(network.world.state)
    for who in network.outsiders():
        _bears_nothing(network.world, who)
        _is_owed_or_paid_everything(network, who)
        _delays_are_listed(network, who)
    _losses_add_up(network.world)


def _bears_nothing(world: World, who: Identity) -> None:
    bearers = [t.LOSS_SHARES.parts(key)[2] for key, _ in world.state.scan(t.LOSS_SHARES)]
    creditors = [t.LOSS_CLAIMS.parts(key)[2] for key, _ in world.state.scan(t.LOSS_CLAIMS)]
    assert who.lei not in bearers
    assert who.lei not in creditors


def _is_owed_or_paid_everything(network: Network, who: Identity) -> None:
    """What has been called for it = what rounds gave it, in cash or set off, + what is open."""
    called = sum(
        event.amount
        for applied in network.blocks
        for event in applied.events
        if isinstance(event, CallIssued) and event.receiver == who.lei
    )
    received = sum(
        result.cancelled + result.settled
        for applied in network.blocks
        for result in applied.results
        if result.creditor == who.lei
    )
    debts = [row for _, row in network.world.state.scan(t.OBLIGATIONS)]
    assert called - received == sum(row.amount for row in debts if row.creditor == who.lei)


def _delays_are_listed(network: Network, who: Identity) -> None:
    """A round that leaves a receipt open names whose exclusion did it; one that is computed again
    lists everybody who receives later."""
    frozen: dict[int, list[Party]] = {}
    for applied in network.blocks:
        for result in applied.results:
            left = result.amount - result.cancelled - result.settled
            if left and result.creditor == who.lei:
                assert result.because_of is not None
        for event in applied.events:
            if isinstance(event, RoundRecomputed):
                frozen[event.by] = list(event.liquidity_events)
    for number, listed in frozen.items():
        if not number:
            continue
        receives = [
            result.creditor
            for applied in network.blocks
            for result in applied.results
            if result.number == number
        ]
        assert who.lei not in receives or who.lei in listed


def _losses_add_up(world: World) -> None:
    borne: dict[int, int] = defaultdict(int)
    claimed: dict[int, int] = defaultdict(int)
    for key, share in world.state.scan(t.LOSS_SHARES):
        borne[t.LOSS_SHARES.parts(key)[0]] += share.amount
    for key, claim in world.state.scan(t.LOSS_CLAIMS):
        claimed[t.LOSS_CLAIMS.parts(key)[0]] += claim.amount
        assert claim.amount == claim.residual + sum(part.amount for part in claim.covered)
    for key, row in world.state.scan(t.DEFAULT_CASES):
        (number,) = t.DEFAULT_CASES.parts(key)
        assert row.loss == borne[number] == claimed[number]


def test_the_networks_are_of_the_kind_that_is_meant() -> None:
    """Losses happen, outsiders exist, rounds are computed again: the test above can fail."""
    losses = outsiders = again = waterfalls = 0
    for seed in range(20):
        network = Network(seed)
        network.run()
        outsiders += len(network.outsiders())
        rows = [row for _, row in network.world.state.scan(t.DEFAULT_CASES)]
        losses += sum(row.loss > 0 for row in rows)
        ends = (o.CaseState.RECOVERY, o.CaseState.CLOSED)
        waterfalls += sum(row.state in ends and row.declared > 0 for row in rows)
        again += sum(
            isinstance(event, RoundRecomputed)
            for applied in network.blocks
            for event in applied.events
        )
    assert losses >= 5
    assert waterfalls >= 10
    assert outsiders >= 5
    assert again >= 3
