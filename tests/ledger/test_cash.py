"""Settlement cash: who may mint, redeem and pay, and what the numbers of each refusal are."""

import pytest

from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Mint, Redeem, Transfer
from ledger.events import CashMoved
from tests.ledger.world import USD, World
from wire.errors import Rejection
from wire.ids import AssetCode, Lei
from wire.limits import AMOUNT_MAX


def _refused(world: World, tx: object, error: type[Rejection]) -> str:
    """The node refuses `tx` with `error`, and so does a block; returns the numbers."""
    with pytest.raises(error) as caught:
        world.check(tx)  # type: ignore[arg-type]
    assert type(caught.value) is error
    receipt = world.apply(tx).receipts[0]  # type: ignore[arg-type]
    assert receipt.code == error.code
    assert receipt.detail == caught.value.detail
    return receipt.detail


def test_minted_cash_can_be_paid_on_returned_and_redeemed_to_the_cent() -> None:
    world = World()
    a, b, _ = world.members
    assert world.must(world.mint(a, 100)).events == (CashMoved(USD, None, a.lei, 100),)
    paid = world.must(world.transfer(a, b, 30))
    assert paid.events == (CashMoved(USD, a.lei, b.lei, 30),)
    world.must(world.transfer(b, world.issuer, 30))
    redeem = world.sign(Redeem(USD, 25, ""), world.issuer.key("treasury"))
    assert world.must(redeem).events == (CashMoved(USD, world.issuer.lei, None, 25),)
    asset = world.state.must(t.ASSETS, t.ASSETS.key(USD))
    assert (asset.minted, asset.redeemed) == (100, 25)
    assert [world.cash(x) for x in (a, b, world.issuer)] == [70, 0, 5]


def test_a_transfer_without_funds_is_refused_with_what_it_has_and_needs() -> None:
    world = World()
    a, b, _ = world.members
    world.must(world.mint(a, 12))
    assert _refused(world, world.transfer(a, b, 40), r.InsufficientFunds) == "has 12, needs 40"
    assert _refused(world, world.transfer(b, a, 1), r.InsufficientFunds) == "has 0, needs 1"
    redeem = world.sign(Redeem(USD, 7, ""), world.issuer.key("treasury"))
    assert _refused(world, redeem, r.InsufficientFunds) == "has 0, needs 7"
    assert world.cash(a) == 12


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1, 2**64 - 1, -(2**63)])
def test_amounts_outside_the_limits_are_refused(amount: int) -> None:
    world = World()
    a, b, _ = world.members
    for tx in (
        world.mint(a, amount),
        world.transfer(a, b, amount),
        world.sign(Redeem(USD, amount, ""), world.issuer.key("treasury")),
    ):
        assert str(amount) in _refused(world, tx, r.BadAmount)


def test_minting_stops_where_the_supply_would_leave_the_limits() -> None:
    world = World()
    a, b, _ = world.members
    world.must(world.mint(a, AMOUNT_MAX))
    detail = _refused(world, world.mint(b, 1), r.BadAmount)
    assert detail == f"minted would be {AMOUNT_MAX + 1}, at most {AMOUNT_MAX}"
    world.must(world.transfer(a, b, AMOUNT_MAX))
    assert (world.cash(a), world.cash(b)) == (0, AMOUNT_MAX)


def test_a_payment_to_oneself_or_to_a_stranger_is_refused() -> None:
    world = World()
    a, _, _ = world.members
    world.must(world.mint(a, 10))
    assert a.lei in _refused(world, world.transfer(a, a, 1), r.SelfTransfer)
    stranger = Lei("5493000IBP32UQZ0KL24")
    tx = world.sign(Transfer(USD, a.lei, stranger, 1, ""), a.key("treasury"))
    assert stranger in _refused(world, tx, r.UnknownMember)
    tx = world.sign(Transfer(USD, stranger, a.lei, 1, ""), a.key("treasury"))
    assert stranger in _refused(world, tx, r.UnknownMember)
    tx = world.sign(Mint(USD, stranger, 1, "R"), world.issuer.key("treasury"))
    assert stranger in _refused(world, tx, r.UnknownMember)


def test_an_unknown_asset_is_refused() -> None:
    world = World()
    a, b, _ = world.members
    asset = AssetCode("XYZ")
    for tx in (
        world.sign(Transfer(asset, a.lei, b.lei, 1, ""), a.key("treasury")),
        world.sign(Mint(asset, a.lei, 1, "R"), world.issuer.key("treasury")),
        world.sign(Redeem(asset, 1, ""), world.issuer.key("treasury")),
    ):
        assert _refused(world, tx, r.UnknownAsset) == "asset XYZ"


def test_a_reference_longer_than_its_limit_is_refused() -> None:
    world = World()
    a, b, _ = world.members
    world.must(world.mint(a, 10))
    for action, who in (
        (Transfer(USD, a.lei, b.lei, 1, "x" * 129), a),
        (Mint(USD, a.lei, 1, "é" * 129), world.issuer),
        (Redeem(USD, 1, "x" * 129), world.issuer),
    ):
        detail = _refused(world, world.sign(action, who.key("treasury")), r.TextTooLong)
        assert detail == "has 129 characters, at most 128 allowed"
    world.must(world.sign(Transfer(USD, a.lei, b.lei, 1, "é" * 128), a.key("treasury")))
