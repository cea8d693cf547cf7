"""Blocks under discussion at one height: who offered them, which bundles are missing, full blocks.

A block id commits to the header only. A body that does not fit the header is dropped and another
peer is asked: it says nothing about the block.
"""

from typing import Final

import msgspec

from ledger.transactions import Transaction
from node.blocks import (
    Block,
    BlockMismatch,
    Bundle,
    BundlePart,
    Proposed,
    assembled,
    block_id,
)
from node.core.mempool import Mempool
from wire.codec import digest_of, encode
from wire.limits import BUNDLE_BYTES_MAX, BUNDLE_TRANSACTIONS_MAX, VALIDATORS_MAX

CANDIDATES_MAX: Final = 2 * VALIDATORS_MAX
"""Blocks under discussion at one height: one a proposer and round; rounds grow slowly."""


class _Offer(msgspec.Struct):
    proposed: Proposed
    peers: list[str]


class Candidates:
    """The blocks of one height by id."""

    def __init__(self, pool: Mempool) -> None:
        self._pool = pool
        self._offers: dict[bytes, _Offer] = {}
        self._fetched: dict[bytes, Bundle] = {}
        self.blocks: dict[bytes, Block] = {}
        """Full blocks, assembled or built here."""

    def offered(self, proposed: Proposed, peer: str) -> None:
        """`peer` has this block and its bundles."""
        ident = block_id(proposed.header)
        if ident in self.blocks:
            return
        offer = self._offers.get(ident)
        if offer is None:
            if len(self._offers) < CANDIDATES_MAX:
                self._offers[ident] = _Offer(proposed, [peer])
        else:
            offer.proposed = proposed
            if peer not in offer.peers:
                offer.peers.append(peer)

    def built(self, proposed: Proposed, block: Block) -> None:
        """This node has built the block itself."""
        ident = block_id(proposed.header)
        self._offers[ident] = _Offer(proposed, [])
        self.blocks[ident] = block

    def restored(self, block: Block) -> None:
        """A full block from the log, as good as assembled; it can be offered again."""
        ident = block_id(block.header)
        self.blocks[ident] = block
        bundles = split(block.transactions)
        parts = []
        for bundle in bundles:
            self._fetched[digest_of(bundle)] = bundle
            parts.append(BundlePart(digest_of(bundle), ()))
        self._offers[ident] = _Offer(
            Proposed(
                block.header, block.last_commit, block.evidence, block.certificates, tuple(parts)
            ),
            [],
        )

    def proposed(self, ident: bytes) -> Proposed | None:
        """The block as it travels."""
        offer = self._offers.get(ident)
        return None if offer is None else offer.proposed

    def bundle(self, digest: bytes) -> Bundle | None:
        """A bundle that some candidate needs."""
        return self._pool.bundle(digest) or self._fetched.get(digest)

    def arrived(self, bundle: Bundle) -> None:
        """A bundle that was asked for; others are ignored."""
        digest = digest_of(bundle)
        wanted = (p.digest for o in self._offers.values() for p in o.proposed.bundles)
        if digest in wanted:
            self._fetched[digest] = bundle

    def missing(self, ident: bytes) -> tuple[bytes, ...]:
        """Digests of the bundles that `ident` still needs."""
        offer = self._offers.get(ident)
        if offer is None:
            return ()
        return tuple(p.digest for p in offer.proposed.bundles if self.bundle(p.digest) is None)

    def sources(self, ident: bytes) -> list[str]:
        """Peers that offered the block, first one first."""
        offer = self._offers.get(ident)
        return [] if offer is None else list(offer.peers)

    def assemble(self, ident: bytes) -> Block | None:
        """The full block, if everything of it is at hand. A body that does not fit is dropped."""
        if ident in self.blocks:
            return self.blocks[ident]
        offer = self._offers.get(ident)
        if offer is None or self.missing(ident):
            return None
        bundles = {p.digest: self.bundle(p.digest) for p in offer.proposed.bundles}
        try:
            block = assembled(offer.proposed, {k: b for k, b in bundles.items() if b is not None})
        except BlockMismatch:
            del self._offers[ident]
            raise
        self.blocks[ident] = block
        return block


def split(transactions: tuple[Transaction, ...]) -> list[Bundle]:
    """Bundles within their limits that hold `transactions` in this order."""
    bundles: list[Bundle] = []
    chunk: list[Transaction] = []
    size = 0
    for tx in transactions:
        length = len(encode(tx))
        full = len(chunk) == BUNDLE_TRANSACTIONS_MAX or size + length > BUNDLE_BYTES_MAX - 64
        if chunk and full:
            bundles.append(Bundle(tuple(chunk)))
            chunk, size = [], 0
        chunk.append(tx)
        size += length
    if chunk:
        bundles.append(Bundle(tuple(chunk)))
    return bundles
