"""What an action puts at stake, by which a node's policy limits what one client has signed."""

import msgspec
import pytest

from ledger.actions import RegisterTrade, TradeBatch
from ledger.objects import KeyRole
from node.config import PolicySection
from node.policy import AboveLimit, Policy, amounts_of
from tests.ledger.world import CALENDAR, World


def _marked() -> World:
    world = World(maturity=CALENDAR[4])
    world.close(CALENDAR[0], AAA=1_000)
    return world


def test_what_is_sold_for_next_to_nothing_counts_at_its_mark() -> None:
    world = _marked()
    a, b, _ = world.members
    given_away = world.terms(a, b, 1_000, 1)
    fair = msgspec.structs.replace(given_away, price=1_000)
    dear = msgspec.structs.replace(given_away, price=2_000)
    at = [amounts_of(world.state, RegisterTrade(one)) for one in (given_away, fair, dear)]
    assert at[0] == at[1]
    assert at[2] == {asset: 2 * amount for asset, amount in (at[1] or {}).items()}
    policy = Policy(PolicySection(sign=("trade",), limit_trade={"USD": 1_000}))
    for action in (RegisterTrade(given_away), TradeBatch((given_away,))):
        with pytest.raises(AboveLimit):
            policy.allow(world.state, (KeyRole.TRADE,), action)


def test_before_the_first_close_the_price_agreed_counts() -> None:
    world = World()
    a, b, _ = world.members
    amounts = amounts_of(world.state, RegisterTrade(world.terms(a, b, 5, 1_000)))
    assert amounts is not None
    assert list(amounts) == ["USD"]
