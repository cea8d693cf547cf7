"""What makes a whole block invalid, and that nothing else does."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.apply import Block, apply_block, check_block
from ledger.rejections import BlockRefused
from ledger.rounds import RoundCertificate, due_for_clearing, problem
from tests.ledger.test_netting_rounds import mission
from tests.ledger.world import CALENDAR, World


def _refused(world: World, block: Block, why: str) -> None:
    for judge in (check_block, apply_block):
        with pytest.raises(BlockRefused, match=why):
            judge(world.state, block)


def test_a_block_of_another_height_is_refused() -> None:
    world = World()
    good = world.next_block()
    for height in (0, 2, -1):
        _refused(world, msgspec.structs.replace(good, height=height), f"height is {height}, state")


def test_a_block_whose_time_does_not_advance_is_refused() -> None:
    world = World()
    world.apply()
    good = world.next_block()
    for time_ms in (world.network.time_ms, 0, -1):
        _refused(world, msgspec.structs.replace(good, time_ms=time_ms), f"time {time_ms} is not")


def test_a_block_with_a_wrong_seed_link_or_proposer_is_refused() -> None:
    world = World()
    good = world.next_block()
    _refused(world, msgspec.structs.replace(good, seed_link=bytes(32)), "seed link")
    _refused(world, msgspec.structs.replace(good, proposer=bytes(32)), "no seed chain")
    other = world.members[1].key("consensus").public
    _refused(world, msgspec.structs.replace(good, proposer=other), "seed link")
    world.apply()
    _refused(world, msgspec.structs.replace(good, height=2, time_ms=2**50), "seed link")


def _clearing() -> tuple[World, RoundCertificate]:
    """A world whose next block must carry the certificate given."""
    world = World(maturity=CALENDAR[4])
    a, b, c = world.members
    mission(world)
    world.must(world.trade(b, a, 25, 1_010), world.trade(c, a, 5, 1_010))
    world.close(CALENDAR[0], AAA=1_000)
    world.apply()
    (row,) = due_for_clearing(world.state, world.height + 1)
    return world, problem(world.state, row).solve()


def test_a_missing_certificate_makes_the_block_invalid() -> None:
    world, _ = _clearing()
    _refused(world, world.next_block(certificates=()), r"for rounds \[\], due are \[1\]")


def test_a_surplus_certificate_makes_the_block_invalid() -> None:
    world, good = _clearing()
    _refused(world, world.next_block(certificates=(good, good)), r"\[1, 1\], due are \[1\]")
    other = RoundCertificate(2, good.certificate)
    _refused(world, world.next_block(certificates=(good, other)), r"\[1, 2\], due are \[1\]")
    _refused(world, world.next_block(certificates=(other,)), r"\[2\], due are \[1\]")
    world.apply()
    _refused(world, world.next_block(certificates=(good,)), r"\[1\], due are \[\]")


def test_a_certificate_of_another_problem_makes_the_block_invalid() -> None:
    world, good = _clearing()
    for wrong in (b"", b"\x00", good.certificate[:-1], good.certificate + b"\x00"):
        block = world.next_block(certificates=(RoundCertificate(1, wrong),))
        _refused(world, block, "certificate of round 1")


_WORLD, _GOOD = _clearing()


@given(st.binary(max_size=40), st.integers(0, 200), st.integers(0, 255))
def test_whatever_stands_in_a_certificate_the_block_is_refused_or_clears_the_same(
    noise: bytes, place: int, byte: int
) -> None:
    good = _GOOD.certificate
    at = place % len(good)
    for data in (noise, good[:1] + noise, good[:at] + bytes([byte]) + good[at + 1 :]):
        block = _WORLD.next_block(certificates=(RoundCertificate(1, data),))
        try:
            applied = apply_block(_WORLD.state, block)
        except BlockRefused:
            continue
        assert applied.events


def test_a_valid_block_is_applied_whatever_becomes_of_its_transactions() -> None:
    world = World()
    a, b, _ = world.members
    assert world.codes(world.transfer(a, b, 1), world.mint(a, 0)) == [
        "CASH_INSUFFICIENT",
        "AMOUNT_OUT_OF_RANGE",
    ]
