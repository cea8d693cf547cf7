"""Blocks under discussion at one height: who offered them, which bundles are missing, full blocks.

A block id commits to the transactions, not to the bundles they came in. So there may be several
stories of where they are, one of each peer, and a wrong one costs nothing but its own bundles: no
peer can put another's story aside.
"""

from typing import Final

import msgspec

from ledger.transactions import Transaction
from node.blocks import (
    Block,
    Bundle,
    BundlePart,
    Proposed,
    assembled,
    block_id,
)
from node.core.mempool import Mempool
from wire.codec import digest_of, encode
from wire.errors import PeerFault
from wire.limits import BUNDLE_BYTES_MAX, BUNDLE_TRANSACTIONS_MAX, VALIDATORS_MAX

CANDIDATES_MAX: Final = 2 * VALIDATORS_MAX
"""Blocks under discussion at one height: one a proposer and round; rounds grow slowly."""

FETCHED_BYTES_MAX: Final = 32 << 20
"""Bundles fetched from one peer at one height; a block has less than four million bytes of them,
but may take little of each."""

Parts = tuple[BundlePart, ...]


class _Offer(msgspec.Struct):
    proposed: Proposed
    stories: dict[Parts, list[str]]
    """Where the transactions are, and which peers say so; one story of each peer."""


class Candidates:
    """The blocks of one height by id."""

    def __init__(self, pool: Mempool) -> None:
        self._pool = pool
        self._offers: dict[bytes, _Offer] = {}
        self._fetched: dict[bytes, Bundle] = {}
        self._fetched_bytes: dict[str, int] = {}
        self.blocks: dict[bytes, Block] = {}
        """Full blocks, assembled or built here."""

    def __contains__(self, ident: bytes) -> bool:
        """Whether the block is here, or somebody has said where it is."""
        return ident in self.blocks or ident in self._offers

    def offered(self, proposed: Proposed, peer: str) -> None:
        """`peer` has this block and its bundles; all else of it has been checked."""
        ident = block_id(proposed.header)
        if ident in self.blocks:
            return
        offer = self._offers.get(ident)
        if offer is None:
            self._make_room()
            offer = self._offers[ident] = _Offer(proposed, {})
        for parts, peers in list(offer.stories.items()):
            if peer in peers and parts != proposed.bundles:
                peers.remove(peer)
                if not peers:
                    del offer.stories[parts]
        told = offer.stories.setdefault(proposed.bundles, [])
        if peer not in told:
            told.append(peer)

    def _make_room(self) -> None:
        unfinished = [ident for ident in self._offers if ident not in self.blocks]
        if len(unfinished) >= CANDIDATES_MAX:
            del self._offers[unfinished[0]]

    def built(self, proposed: Proposed, block: Block) -> None:
        """This node has built the block itself."""
        ident = block_id(proposed.header)
        self._offers[ident] = _Offer(proposed, {})
        self.blocks[ident] = block

    def restored(self, block: Block) -> None:
        """A full block from the log, as good as assembled; it can be offered again."""
        parts = []
        for bundle in split(block.transactions):
            self._fetched[digest_of(bundle)] = bundle
            parts.append(BundlePart(digest_of(bundle), ()))
        self.built(
            Proposed(
                block.header,
                block.last_commit,
                block.evidence,
                block.certificates,
                tuple(parts),
                block.recovery,
            ),
            block,
        )

    def proposed(self, ident: bytes) -> Proposed | None:
        """The block as it travels; only what is complete here is passed on."""
        return self._offers[ident].proposed if ident in self.blocks else None

    def bundle(self, digest: bytes) -> Bundle | None:
        """A bundle that some candidate needs."""
        return self._pool.bundle(digest) or self._fetched.get(digest)

    def wants(self, digest: bytes, peer: str) -> bool:
        """Whether `peer` said that an unfinished block needs the bundle, and it is not here."""
        return self.bundle(digest) is None and any(
            peer in peers and any(part.digest == digest for part in parts)
            for ident, offer in self._offers.items()
            if ident not in self.blocks
            for parts, peers in offer.stories.items()
        )

    def arrived(self, bundle: Bundle, peer: str) -> None:
        """A bundle that `peer` was asked for; others are ignored."""
        if not self.wants(digest_of(bundle), peer):
            return
        total = self._fetched_bytes.get(peer, 0) + len(encode(bundle))
        if total <= FETCHED_BYTES_MAX:
            self._fetched_bytes[peer] = total
            self._fetched[digest_of(bundle)] = bundle

    def missing(self, ident: bytes) -> list[tuple[str, tuple[bytes, ...]]]:
        """Whom to ask for which bundles that `ident` still needs: all who tell of them."""
        offer = self._offers.get(ident)
        if offer is None:
            return []
        lacking = [(peers, self._lacking(parts)) for parts, peers in offer.stories.items()]
        return [(peer, digests) for peers, digests in lacking if digests for peer in peers]

    def assemble(self, ident: bytes) -> Block | None:
        """The full block, if everything of it is at hand.

        A story that does not fit the header is dropped; for the last one its `PeerFault` is raised.
        """
        offer = self._offers.get(ident)
        if ident in self.blocks or offer is None:
            return self.blocks.get(ident)
        wrong: PeerFault | None = None
        for parts in [parts for parts in offer.stories if not self._lacking(parts)]:
            proposed = msgspec.structs.replace(offer.proposed, bundles=parts)
            found = {part.digest: self.bundle(part.digest) for part in parts}
            try:
                block = assembled(proposed, {k: b for k, b in found.items() if b is not None})
            except PeerFault as fault:
                del offer.stories[parts]
                wrong = fault
                continue
            self.built(proposed, block)
            return block
        if wrong is not None and not offer.stories:
            del self._offers[ident]
            raise wrong
        return None

    def _lacking(self, parts: Parts) -> tuple[bytes, ...]:
        return tuple(part.digest for part in parts if self.bundle(part.digest) is None)


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
