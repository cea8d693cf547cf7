"""What a key that waits, or was vetoed, passes on to the keys that are brought after it."""

import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.actions import RotateKey
from ledger.recovered import NEVER
from tests.ledger.world import World
from wire.signing import SigningKey


@pytest.mark.parametrize("im_from", [500, NEVER])
@pytest.mark.parametrize(
    ("waits", "inherits"), [("governance", True), ("treasury", True), ("peer", False)]
)
def test_a_key_waits_with_those_that_bring_it_and_with_no_others(
    waits: str, inherits: bool, im_from: int
) -> None:
    """A vetoed key of the node's own connections must not lock the member's margin for good."""
    world = World()
    a = world.members[0]
    role = o.KeyRole[waits.upper()]
    known = [
        key for key, row in world.state.scan(t.KEYS) if row.member == a.lei and row.role == role
    ]
    (key,) = known
    row = world.state.must(t.KEYS, key)
    world.put({key: msgspec.structs.replace(row, im_from=im_from)})
    old, new = a.key("treasury"), SigningKey(bytes(range(32)))
    action = RotateKey(a.lei, o.KeyRole.TREASURY, old.public, new.public, b"")
    world.must(world.sign(action, a.key("governance"), new))
    brought = world.state.must(t.KEYS, t.KEYS.key(new.public))
    assert brought.im_from == (im_from if inherits else 0)
