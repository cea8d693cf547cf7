"""Decoded transactions with any values in their fields: a rejection, or a change; never a crash.

An exception other than a `Rejection` inside `apply_block` would stop every node at once.
"""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.actions import Action, TradeBatch
from ledger.apply import apply_block, check_block, check_terms, check_transaction
from ledger.receipts import Receipt
from ledger.rejections import BlockRefused
from ledger.transactions import KeySignature, Transaction, signed, tx_id, unsigned
from tests.ledger.generated import HOSTILE_NUMBERS, PURPOSES, Generator, rich
from tests.ledger.world import CALENDAR, CHAIN, World
from wire.codec import decode, encode
from wire.errors import MalformedBytes, Rejection
from wire.signing import SigningKey

WORLD = World(maturity=CALENDAR[4], change=rich)
A, B, C = WORLD.members
WORLD.must(WORLD.mint(A, 10**6), WORLD.trade(A, B, 5, 1_000), WORLD.limit(A, C, 10))
GENERATOR = Generator(WORLD, hostile=True)
KEYS = [who.key(x) for who in GENERATOR.everybody.values() for x in PURPOSES if x != "consensus"]
ACTIONS = GENERATOR.actions()
WINDOWS = st.integers(0, 60) | st.sampled_from([2**53 - 1, -1, 2**64 - 1])


def _decoded(tx: Transaction) -> Transaction:
    """As a node reads it: what the type says holds, and nothing more."""
    return decode(encode(tx), Transaction, 1 << 20)


@given(
    actions=st.lists(ACTIONS, min_size=1, max_size=3),
    keys=st.lists(st.sampled_from(KEYS), max_size=3),
    nonce=HOSTILE_NUMBERS,
    valid_until=WINDOWS,
)
@settings(max_examples=400)
def test_any_decoded_transaction_is_rejected_or_applied(
    actions: list[Action], keys: list[SigningKey], nonce: int, valid_until: int
) -> None:
    transactions = []
    for action in actions:
        tx = unsigned(CHAIN, action, nonce=nonce, valid_until=valid_until)
        with suppress(MalformedBytes):  # numbers that are no 64-bit ints, text that is not NFC
            transactions.append(_decoded(signed(tx, *keys)))
    for tx in transactions:
        for check in (
            lambda tx: check_transaction(WORLD.state, tx, WORLD.height + 1),
            lambda tx: check_terms(WORLD.state, tx),
        ):
            with suppress(Rejection):
                check(tx)
    _applied_or_refused(transactions)


def _applied_or_refused(transactions: list[Transaction]) -> None:
    """Apply them in a block, those whose signers are wrong apart."""
    fitting = []
    for tx in transactions:
        try:
            check_block(WORLD.state, WORLD.unchecked(tx))
        except BlockRefused:
            continue
        fitting.append(tx)
    applied = apply_block(WORLD.state, WORLD.unchecked(*fitting))
    assert [receipt.tx_id for receipt in applied.receipts] == [tx_id(tx) for tx in fitting]
    for receipt in applied.receipts:
        assert decode(encode(receipt), Receipt, 1 << 12) == receipt
    for _, row in applied.changes:
        assert row is None or len(row) < 1 << 14


@given(action=ACTIONS, nonce=st.integers(0, 2**63 - 1))
@settings(max_examples=400)
def test_any_action_signed_by_those_it_names_is_rejected_or_applied(
    action: Action, nonce: int
) -> None:
    """Past the signatures: each action is signed by the members it names, with the right role."""
    try:
        bare = _decoded(unsigned(CHAIN, action, nonce=nonce, valid_until=WORLD.height + 1))
    except MalformedBytes:
        return
    _applied_or_refused([signed(bare, *GENERATOR.keys(WORLD, bare))])


def test_signatures_of_any_shape_do_not_crash_a_block() -> None:
    tx = WORLD.transfer(A, B, 1)
    for entries in (
        (KeySignature(b"", b""),),
        (KeySignature(bytes(1_000), bytes(1)),) * 2,
        tx.signatures * 3,
    ):
        odd = msgspec.structs.replace(tx, signatures=entries)
        with pytest.raises(Rejection):
            check_transaction(WORLD.state, odd, WORLD.height + 1)
        with pytest.raises(BlockRefused):
            apply_block(WORLD.state, WORLD.unchecked(odd))


def test_a_block_of_thousands_of_transactions_settles_thousands_of_obligations() -> None:
    """Twelve members, every pair, many trades: nothing but time grows."""
    world = World(members=12, maturity=CALENDAR[4])
    pairs = [(a, b) for a in world.members for b in world.members if a.lei != b.lei]
    keys = {who.lei: who.key("trade") for who in world.members}
    transactions = []
    for number, (a, b) in enumerate(pairs):
        trades = tuple(world.terms(a, b, 1 + (number * 7 + k) % 50, 1_010) for k in range(10))
        transactions.append(world.sign(TradeBatch(trades), keys[a.lei], keys[b.lei]))
    world.must(*transactions, *[world.mint(who, 10**6) for who in world.members])
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert world.obligations() == {}
    assert sum(world.cash(who) for who in world.members) == 12 * 10**6
