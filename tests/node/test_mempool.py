"""The mempool: bounded, without duplicates, forgetting only what is decided or expired."""

import pytest

from ledger.actions import RegisterTrade, Transfer
from ledger.objects import Trade, TradeSource
from ledger.transactions import KeySignature, Transaction, tx_id
from node.blocks import Bundle
from node.core import mempool as m
from node.core.mempool import AlreadyWaiting, Mempool, PoolFull
from node.core.outgoing import Outgoing
from wire.codec import digest_of
from wire.ids import AssetCode, Date, InstrumentCode, Lei, Uti

KEY = b"k" * 32


def transfer(nonce: int, *, valid_until: int = 100) -> Transaction:
    action = Transfer(AssetCode("USD"), Lei("A"), Lei("B"), 1, "")
    return Transaction("c", nonce, valid_until, action, (KeySignature(KEY, b"s" * 64),))


def trade(uti: str, price: int = 5) -> Transaction:
    terms = Trade(
        Uti(uti), Lei("A"), Lei("B"), InstrumentCode("I"), 1, price, Date(20080912),
        TradeSource.OTC, "",
    )  # fmt: skip
    return Transaction("c", 0, 100, RegisterTrade(terms), (KeySignature(KEY, b"s" * 64),))


def held(pool: Mempool, *txs: Transaction) -> Bundle:
    bundle = Bundle(txs)
    pool.add(bundle, range(len(txs)))
    return bundle


def test_a_bundle_is_proposed_whole_by_its_digest() -> None:
    pool = Mempool()
    bundle = held(pool, transfer(1), transfer(2))
    (part,) = pool.pick()
    assert (part.digest, part.taken) == (digest_of(bundle), ())


def test_what_is_decided_leaves_and_the_rest_is_named_by_position() -> None:
    pool = Mempool()
    held(pool, transfer(1), transfer(2), transfer(3))
    pool.decided([transfer(2)], 7)
    (part,) = pool.pick()
    assert part.taken == (0, 2)
    assert len(pool) == 2


def test_the_same_transaction_in_two_bundles_waits_once() -> None:
    pool = Mempool()
    held(pool, transfer(1))
    held(pool, transfer(1), transfer(2))
    assert [part.taken for part in pool.pick()] == [(), (1,)]


def test_a_second_use_of_a_nonce_or_uti_is_refused_while_the_first_waits() -> None:
    pool = Mempool()
    held(pool, transfer(1), trade("U1"))
    with pytest.raises(AlreadyWaiting, match=tx_id(trade("U1")).hex()):
        pool.require_room(trade("U1", price=6))
    other = Transaction("c", 1, 90, transfer(1).action, transfer(1).signatures)
    with pytest.raises(AlreadyWaiting):
        pool.require_room(other)


def test_a_full_pool_says_try_later_and_takes_more_once_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(m, "POOL_TRANSACTIONS_MAX", 2)
    pool = Mempool()
    held(pool, transfer(1), transfer(2), transfer(3))
    assert len(pool) == 2
    with pytest.raises(PoolFull, match="2 transactions"):
        pool.require_room(transfer(4))
    pool.decided([transfer(1)], 3)
    pool.require_room(transfer(4))


def test_what_expires_is_forgotten_and_named() -> None:
    pool = Mempool()
    held(pool, transfer(1, valid_until=5), transfer(2))
    assert pool.decided([], 4) == []
    assert pool.decided([], 5) == [tx_id(transfer(1, valid_until=5))]
    assert len(pool) == 1
    assert pool.bytes_waiting > 0
    pool.decided([transfer(2)], 6)
    assert (len(pool), pool.bytes_waiting, pool.pick()) == (0, 0, ())


def test_a_block_takes_no_more_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "BLOCK_TRANSACTIONS_MAX", 3)
    pool = Mempool()
    held(pool, transfer(1), transfer(2))
    held(pool, transfer(3), transfer(4))
    assert [part.taken for part in pool.pick()] == [(), (0,)]


def test_decided_bundles_stay_a_while_for_who_still_fetches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(m, "DONE_BUNDLES_KEPT", 1)
    pool = Mempool()
    old, new = held(pool, transfer(1)), held(pool, transfer(2))
    pool.decided([transfer(1)], 1)
    assert pool.bundle(digest_of(old)) == old
    pool.decided([transfer(2)], 2)
    assert pool.bundle(digest_of(old)) is None
    assert pool.bundle(digest_of(new)) == new


def test_submissions_of_one_moment_do_not_repeat() -> None:
    outgoing, pool = Outgoing(), Mempool()
    outgoing.add(transfer(1), pool)
    with pytest.raises(AlreadyWaiting):
        outgoing.add(transfer(1), pool)
    assert outgoing.take() == (transfer(1),)
    assert outgoing.take() == ()
