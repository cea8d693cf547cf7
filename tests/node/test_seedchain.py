"""The seed chain: each link is the preimage of the one before, found again after a restart."""

import hashlib

import pytest

from node.core.seedchain import SeedChain

LINKS = 3_000


def test_links_are_revealed_backwards_one_by_one() -> None:
    chain = SeedChain(b"s" * 32, LINKS)
    known = chain.anchor
    for _ in range(LINKS):
        link = chain.next_link(known)
        assert hashlib.sha256(link).digest() == known
        assert chain.next_link(known) == link
        known = link
    with pytest.raises(KeyError, match="used up"):
        chain.next_link(known)


def test_after_a_restart_the_place_is_found() -> None:
    chain = SeedChain(b"s" * 32, LINKS)
    known = chain.anchor
    for _ in range(1_234):
        known = chain.next_link(known)
    fresh = SeedChain(b"s" * 32, LINKS)
    assert fresh.next_link(known) == chain.next_link(known)


def test_a_link_of_another_chain_is_not_found() -> None:
    with pytest.raises(KeyError, match="not one of this"):
        SeedChain(b"s" * 32, LINKS).next_link(bytes(32))
