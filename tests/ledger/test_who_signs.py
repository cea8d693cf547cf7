"""Whose signatures a transaction needs, and that nobody else's can spoil it."""

import msgspec
import pytest

from ledger import rejections as r
from ledger.actions import Action, Mint, RegisterTrade, SetLimit, SubmitOracle, TradeBatch, Transfer
from ledger.apply import apply_block
from ledger.objects import Trade
from ledger.transactions import (
    KeySignature,
    Transaction,
    check_form,
    decode_transaction,
    signed,
    tx_id,
    verified,
)
from tests.ledger.world import CALENDAR, USD, World
from wire.codec import encode
from wire.errors import BadSignature, MalformedBytes, Oversize, Rejection
from wire.ids import AssetCode
from wire.signing import SigningKey

STRANGER = SigningKey(b"stranger".ljust(32, b"."))


def _refused(world: World, tx: Transaction, error: type[Rejection]) -> str:
    """A node refuses `tx` with `error`, and a block that holds it altogether."""
    with pytest.raises(error) as caught:
        world.check(tx)
    assert type(caught.value) is error
    with pytest.raises(r.BlockRefused, match=error.code):
        apply_block(world.state, world.unchecked(tx))
    return caught.value.detail


def test_a_trade_that_only_one_party_signed_is_refused() -> None:
    world = World()
    a, b, _ = world.members
    action = RegisterTrade(world.terms(a, b, 1, 1_000))
    for signer, missing in ((a, b), (b, a)):
        tx = world.sign(action, signer.key("trade"))
        assert _refused(world, tx, r.MissingSignature) == f"of {missing.lei} with a TRADE key"
    batch = TradeBatch((world.terms(a, b, 1, 1_000),))
    _refused(world, world.sign(batch, a.key("trade")), r.MissingSignature)
    _refused(world, world.sign(batch), r.MissingSignature)


def test_a_signature_by_a_key_of_nobody_is_refused() -> None:
    world = World()
    a, b, _ = world.members
    for keys in ((STRANGER,), (STRANGER, a.key("treasury"))):
        tx = world.sign(Transfer(USD, a.lei, b.lei, 1, ""), *keys)
        assert _refused(world, tx, r.UnknownKey) == f"key {STRANGER.public.hex()[:16]}"


def test_a_signature_by_another_member_is_refused() -> None:
    world = World()
    a, b, c = world.members
    action = RegisterTrade(world.terms(a, b, 1, 1_000))
    tx = world.sign(action, a.key("trade"), b.key("trade"), c.key("trade"))
    assert c.lei in _refused(world, tx, r.SurplusSignature)
    tx = world.sign(Transfer(USD, a.lei, b.lei, 1, ""), b.key("treasury"))
    assert b.lei in _refused(world, tx, r.SurplusSignature)


def test_a_key_of_the_wrong_role_is_refused() -> None:
    world = World()
    a, b, _ = world.members
    tx = world.sign(Transfer(USD, a.lei, b.lei, 1, ""), a.key("trade"))
    detail = _refused(world, tx, r.WrongKeyRole)
    assert detail == f"key of {a.lei} has role TRADE, needs TREASURY"
    tx = world.sign(SetLimit(a.lei, b.lei, USD, 1), a.key("treasury"))
    assert "needs GOVERNANCE" in _refused(world, tx, r.WrongKeyRole)


def test_two_keys_of_one_member_are_refused() -> None:
    world = World()
    a, b, _ = world.members
    tx = world.sign(Transfer(USD, a.lei, b.lei, 1, ""), a.key("treasury"), a.key("trade"))
    with pytest.raises(r.WrongSigners):
        world.check(tx)


def test_only_the_issuer_mints() -> None:
    world = World()
    a, _, _ = world.members
    tx = world.sign(Mint(USD, a.lei, 5, "R"), a.key("treasury"))
    assert _refused(world, tx, r.NotTheIssuer) == f"USD is issued by {world.issuer.lei}"


def test_whoever_adds_or_takes_away_a_signature_cannot_spoil_a_transaction() -> None:
    """Its id stays the same, so a failing copy in a block would be taken for its end."""
    world = World()
    a, b, c = world.members
    world.must(world.mint(a, 10))
    pay = world.transfer(a, b, 5)
    mint = world.mint(a, 5)
    trade = world.trade(a, b, 1, 1_000)
    for tx in (pay, mint, trade):
        copies = [signed(tx, key) for key in (STRANGER, c.key("treasury"), c.key("trade"))]
        copies += [
            msgspec.structs.replace(tx, signatures=tx.signatures[:k] + tx.signatures[k + 1 :])
            for k in range(len(tx.signatures))
        ]
        for copy in copies:
            assert tx_id(copy) == tx_id(tx)
            with pytest.raises(r.WrongSigners):
                world.check(copy)
            with pytest.raises(r.BlockRefused, match="wrong signers"):
                apply_block(world.state, world.unchecked(copy))
    alone = signed(msgspec.structs.replace(mint, signatures=()), c.key("treasury"))
    assert tx_id(alone) == tx_id(mint)
    _refused(world, alone, r.NotTheIssuer)
    world.must(pay, mint, trade)


def test_an_oracle_or_a_regulator_cannot_be_party_to_a_trade() -> None:
    world = World()
    a, _, _ = world.members
    for other in (world.oracles[0], world.observer, world.issuer):
        for action in (
            RegisterTrade(world.terms(a, other, 1, 1_000)),
            TradeBatch((world.terms(other, a, 1, 1_000),)),
        ):
            tx = world.sign(action, a.key("trade"), other.key("trade"))
            with pytest.raises(r.NotATrader, match=other.lei):
                world.check(tx)
            assert world.codes(tx) == ["TRADE_NOT_A_MEMBER"]


def test_a_mark_from_a_non_oracle_is_refused() -> None:
    world = World()
    a, _, _ = world.members
    tx = world.sign(SubmitOracle(a.lei, CALENDAR[0], ()), a.key("trade"))
    with pytest.raises(r.NotAnOracle, match=a.lei):
        world.check(tx)
    assert world.codes(tx) == ["ORACLE_NOT_AUTHORISED"]
    oracle = world.oracles[0]
    _refused(world, world.sign(SubmitOracle(oracle.lei, CALENDAR[0], ())), r.MissingSignature)


def _altered(action: Action) -> list[Action]:
    """`action` with each of its fields changed."""
    found: list[Action] = []
    record = action.trade if isinstance(action, RegisterTrade) else action
    for name in record.__struct_fields__:
        value = getattr(record, name)
        other = value + 1 if type(value) is int else f"{value}1" if type(value) is str else None
        if other is not None:
            changed = msgspec.structs.replace(record, **{name: other})
            found.append(RegisterTrade(changed) if isinstance(changed, Trade) else changed)
    return found


def test_a_field_altered_after_signing_breaks_the_signature() -> None:
    world = World()
    a, b, _ = world.members
    count = 0
    for tx in (world.transfer(a, b, 5), world.mint(a, 5), world.trade(a, b, 2, 999)):
        for action in _altered(tx.action):
            with pytest.raises(BadSignature):
                verified(msgspec.structs.replace(tx, action=action))
            count += 1
        for change in ({"nonce": tx.nonce + 1}, {"valid_until": 9}, {"chain_id": "other"}):
            with pytest.raises(BadSignature):
                verified(msgspec.structs.replace(tx, **change))
    assert count >= 15


def test_a_signed_batch_cannot_pass_for_a_batch_of_other_trades() -> None:
    world = World()
    a, b, _ = world.members
    trades = tuple(world.terms(a, b, n, 1_000) for n in (1, 2, 3))
    tx = world.sign(TradeBatch(trades), a.key("trade"), b.key("trade"))
    verified(tx)
    for others in (trades[:2], trades[::-1], (*trades, trades[2]), (*trades[:2], trades[0])):
        with pytest.raises(BadSignature):
            verified(msgspec.structs.replace(tx, action=TradeBatch(others)))
    with pytest.raises(BadSignature):
        verified(msgspec.structs.replace(tx, action=RegisterTrade(trades[0])))


def test_signatures_out_of_order_twice_or_too_many_are_malformed() -> None:
    world = World()
    a, b, _ = world.members
    tx = world.trade(a, b, 1, 1_000)
    many = tuple(KeySignature(bytes([n]) * 32, bytes(64)) for n in range(9))
    for signatures in (tx.signatures[::-1], tx.signatures[:1] * 2, many):
        with pytest.raises(MalformedBytes):
            decode_transaction(encode(msgspec.structs.replace(tx, signatures=signatures)))
    check_form(msgspec.structs.replace(tx, signatures=many[:8]))


@pytest.mark.parametrize(
    "change",
    [{"nonce": -1}, {"nonce": 2**63}, {"valid_until": -1}, {"valid_until": 2**53}],
)
def test_nonces_and_heights_out_of_range_are_malformed(change: dict[str, int]) -> None:
    world = World()
    tx = world.mint(world.members[0], 1)
    with pytest.raises(MalformedBytes):
        decode_transaction(encode(msgspec.structs.replace(tx, **change)))


def test_a_transaction_longer_than_its_limit_is_refused_unread() -> None:
    world = World()
    a, b, _ = world.members
    tx = world.sign(Transfer(AssetCode("X" * (256 << 10)), a.lei, b.lei, 1, ""))
    with pytest.raises(Oversize):
        decode_transaction(encode(tx))
