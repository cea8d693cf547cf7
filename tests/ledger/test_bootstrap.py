"""The bootstrap key: a network's first steps, and nothing after."""

import msgspec
import pytest

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import Bootstrap, RetireBootstrap, RotateKey
from ledger.events import BootstrapActed, BootstrapRetired, PowerChanged
from ledger.genesis import BadGenesis, Genesis
from ledger.transactions import Transaction
from tests.ledger.world import World
from wire.signing import SigningKey

KEY = SigningKey(b"bootstrap".ljust(32, b"."))
OTHER = SigningKey(b"another".ljust(32, b"."))
BASIS = o.Basis(o.Clause.BOOTSTRAP, 1)


def world(until: int = 5) -> World:
    def change(genesis: Genesis) -> Genesis:
        return msgspec.structs.replace(genesis, bootstrap=o.Bootstrap(KEY.public, until, 0))

    return World(change=change)


def power(w: World, number: int, power: int, key: SigningKey = KEY) -> Transaction:
    action = Bootstrap(key.public, o.SetPower(w.members[number].lei, power))
    return w.sign(action, key)


def test_it_acts_alone_and_every_event_says_so() -> None:
    w = world()
    lei = w.members[1].lei
    applied = w.must(power(w, 1, 7))
    assert applied.events == (
        BootstrapActed(o.ProposalKind.SET_POWER, lei, BASIS),
        PowerChanged(lei, 7, w.height + 2, BASIS),
    )


def test_nobody_else_acts_as_it_and_it_signs_nothing_else() -> None:
    w = world()
    a, b, _ = w.members
    for tx in (
        power(w, 1, 7, OTHER),
        w.sign(Bootstrap(KEY.public, o.SetPower(b.lei, 7)), OTHER),
        w.sign(Bootstrap(KEY.public, o.SetPower(b.lei, 7))),
        w.sign(RetireBootstrap(OTHER.public), OTHER),
    ):
        with pytest.raises(r.WrongSigners):
            w.check(tx)
    with pytest.raises(r.NotTheBootstrapKey):
        World().check(power(w, 1, 7))
    rotate = RotateKey(a.lei, o.KeyRole.BOOTSTRAP, b"", OTHER.public, b"")
    with pytest.raises(r.BadApplication):
        w.check(w.sign(rotate, a.key("governance"), OTHER))
    taken = RotateKey(a.lei, o.KeyRole.ORACLE, b"", KEY.public, b"")
    with pytest.raises(r.KeyTaken):
        w.check(w.sign(taken, a.key("governance"), KEY))


def test_the_same_order_is_not_carried_out_twice() -> None:
    w = world()
    first = power(w, 1, 7)
    w.must(first)
    w.must(power(w, 1, 1))
    with pytest.raises(r.NonceReused):
        w.check(first)


def test_it_retires_by_its_own_word_for_good() -> None:
    w = world()
    applied = w.must(w.sign(RetireBootstrap(KEY.public), KEY))
    assert applied.events == (BootstrapRetired(BASIS),)
    for tx in (power(w, 1, 7), w.sign(RetireBootstrap(KEY.public), KEY)):
        with pytest.raises(r.NotTheBootstrapKey):
            w.check(tx)


def test_it_retires_by_itself_after_its_last_height() -> None:
    w = world(until=3)
    for number in (2, 3, 4):
        w.must(power(w, 1, number))
    applied = w.apply()
    assert applied.events == (BootstrapRetired(BASIS),)
    assert w.state.must(t.BOOTSTRAP, t.bootstrap_key()).retired == 4
    with pytest.raises(r.NotTheBootstrapKey):
        w.check(power(w, 1, 9))


@pytest.mark.parametrize(
    "row",
    [
        o.Bootstrap(KEY.public, 0, 0),
        o.Bootstrap(KEY.public, 5, 1),
        o.Bootstrap(bytes(32), 5, 0),
    ],
)
def test_a_genesis_with_a_bootstrap_key_that_cannot_act_is_refused(row: o.Bootstrap) -> None:
    with pytest.raises(BadGenesis):
        World(change=lambda genesis: msgspec.structs.replace(genesis, bootstrap=row))


def test_a_members_key_is_no_bootstrap_key() -> None:
    def change(genesis: Genesis) -> Genesis:
        taken = genesis.members[0].keys[0].public_key
        return msgspec.structs.replace(genesis, bootstrap=o.Bootstrap(taken, 5, 0))

    with pytest.raises(BadGenesis):
        World(change=change)
