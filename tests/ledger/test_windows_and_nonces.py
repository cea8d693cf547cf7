"""When a transaction may stand in a block, and that it stands in one only once."""

import msgspec
import pytest

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Mint, Transfer
from ledger.apply import apply_block, check_transaction
from ledger.receipts import Receipt
from ledger.transactions import Transaction, signed, tx_id
from tests.ledger.world import USD, World
from wire.limits import NONCE_MAX, VALID_UNTIL_HEIGHTS_MAX


def test_a_transaction_for_another_chain_makes_the_block_invalid() -> None:
    world = World()
    a = world.members[0]
    tx = msgspec.structs.replace(world.mint(a, 1), chain_id="other", signatures=())
    tx = signed(tx, world.issuer.key("treasury"))
    with pytest.raises(r.WrongChain, match="is for other, this is test-1"):
        world.check(tx)
    with pytest.raises(r.BlockRefused, match="chain other"):
        apply_block(world.state, world.unchecked(tx))


def test_the_last_valid_block_is_the_valid_until_height() -> None:
    world = World()
    a = world.members[0]
    good, late = (
        world.sign(Mint(USD, a.lei, 1, "R"), world.issuer.key("treasury"), valid_until=2)
        for _ in range(2)
    )
    world.apply()
    assert world.codes(good) == ["OK"]
    with pytest.raises(r.Expired, match="was valid until 2, height is 3"):
        world.check(late)
    assert world.codes(late) == ["TX_EXPIRED"]
    assert world.state.scan(t.NONCES) == []


def test_a_valid_until_height_beyond_the_memory_of_nonces_is_refused() -> None:
    world = World()
    a = world.members[0]
    last = world.height + 1 + VALID_UNTIL_HEIGHTS_MAX
    key = world.issuer.key("treasury")
    far = world.sign(Mint(USD, a.lei, 1, "R"), key, valid_until=last + 1)
    near = world.sign(Mint(USD, a.lei, 1, "R"), key, valid_until=last)
    with pytest.raises(r.TooFarAhead, match=f"at most {last} allowed"):
        world.check(far)
    assert world.codes(far, near) == ["TX_VALID_UNTIL_TOO_FAR", "OK"]


def test_a_nonce_serves_once_for_each_key_until_it_expires() -> None:
    world = World()
    a, b, _ = world.members
    world.must(world.mint(a, 10), world.mint(b, 10))

    def pay(sender: int, amount: int, valid_until: int) -> Transaction:
        who, to = (a, b) if sender == 0 else (b, a)
        action = Transfer(USD, who.lei, to.lei, amount, "")
        return world.sign(action, who.key("treasury"), nonce=7, valid_until=valid_until)

    first = pay(0, 1, 3)
    assert world.codes(first) == ["OK"]
    again = pay(0, 2, 9)
    with pytest.raises(r.NonceReused, match="nonce 7 of key"):
        world.check(again)
    assert world.codes(again, pay(1, 1, 9)) == ["TX_NONCE_REUSED", "OK"]
    assert world.height == 3
    assert world.codes(pay(0, 2, 9), first) == ["OK", "TX_EXPIRED"]
    assert len(world.state.scan(t.NONCES)) == 2 + 2


def test_the_same_transaction_twice_in_a_block_counts_once() -> None:
    world = World()
    tx = world.mint(world.members[0], 5)
    receipts = world.apply(tx, tx).receipts
    assert [x.code for x in receipts] == ["OK", "TX_NONCE_REUSED"]
    assert world.cash(world.members[0]) == 5


def test_a_failed_transaction_uses_up_its_nonce_and_leaves_nothing_else() -> None:
    world = World()
    a, b, _ = world.members
    before = dict(world.state.rows())
    tx = world.transfer(a, b, 40)
    receipt = world.apply(tx).receipts[0]
    assert receipt == Receipt(tx_id(tx), "CASH_INSUFFICIENT", "has 0, needs 40")
    after = dict(world.state.rows())
    changed = {key for key in after if before.get(key) != after[key]}
    nonce = t.NONCES.key(a.key("treasury").public, tx.nonce)
    seed = t.SEEDS.key(a.key("consensus").public)
    assert changed == {nonce, seed, t.network_key(), t.RECENT_BLOCKS.key(1)}
    assert after[nonce] == o.Nonce(tx.valid_until)
    assert world.codes(world.mint(a, 40), tx) == ["OK", "TX_NONCE_REUSED"]


def test_nonces_are_forgotten_in_the_block_after_their_last() -> None:
    world = World()
    tx = world.sign(
        Mint(USD, world.members[0].lei, 1, "R"), world.issuer.key("treasury"), valid_until=3
    )
    assert len(world.must(tx).state.scan(t.NONCES)) == 1
    assert len(world.apply().state.scan(t.NONCES)) == 1
    assert len(world.apply().state.scan(t.NONCES)) == 1
    assert world.apply().state.scan(t.NONCES) == []


def test_the_largest_nonce_is_a_nonce() -> None:
    world = World()
    key = world.issuer.key("treasury")
    tx = world.sign(Mint(USD, world.members[0].lei, 1, "R"), key, nonce=NONCE_MAX)
    assert world.codes(tx, tx) == ["OK", "TX_NONCE_REUSED"]


def test_a_sequence_can_be_checked_before_it_is_decided() -> None:
    world = World()
    a, b, _ = world.members
    mint = world.mint(a, 5)
    draft = check_transaction(world.state, mint, 1)
    draft = check_transaction(draft, world.transfer(a, b, 5), 1)
    with pytest.raises(r.InsufficientFunds, match="has 0, needs 1"):
        check_transaction(draft, world.transfer(a, b, 1), 1)
    with pytest.raises(r.NonceReused):
        check_transaction(draft, mint, 1)
    assert world.cash(b) == 0
