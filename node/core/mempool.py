"""Transactions waiting for a block: bounded, without duplicates, forgotten when they expire.

Transactions live in the bundles they were gossiped in, because proposals name bundles. A bundle
is kept for a while after its last transaction was decided, for validators that still fetch it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ledger.transactions import Transaction, TxId, is_trade, tx_id, utis
from node.blocks import Bundle, BundlePart
from wire.codec import Digest, digest_of, encode
from wire.errors import Rejection
from wire.limits import BLOCK_TRANSACTIONS_MAX

POOL_TRANSACTIONS_MAX: Final = 50_000
"""Waiting transactions; about 25 MB of trades."""

POOL_BYTES_MAX: Final = 64 << 20
"""Waiting transactions, encoded."""

BLOCK_BODY_BYTES_MAX: Final = 3 << 20
"""Transactions of one proposal: leaves room in a frame for header, commit and certificates."""

DONE_BUNDLES_KEPT: Final = 256
"""Bundles kept after all their transactions are decided."""

DONE_BYTES_MAX: Final = 32 << 20
"""Encoded size of those."""

OPEN_BYTES_MAX: Final = 2 * POOL_BYTES_MAX
"""Encoded size of the bundles in which something waits: it may be little of each."""


class PoolFull(Rejection):
    """The pool of waiting transactions is full."""

    code = "POOL_FULL"
    remedy = "Try again later: nothing was kept; a few blocks make room."


class AlreadyWaiting(Rejection):
    """The same transaction, nonce or UTI is waiting already."""

    code = "POOL_DUPLICATE"
    remedy = "Wait for the first one; follow it with its id."


class _Waiting(msgspec.Struct, frozen=True):
    tx: Transaction
    digest: Digest
    position: int
    size: int


class Mempool:
    """Waiting transactions by id, and the bundles that hold them."""

    def __init__(self) -> None:
        self._bundles: OrderedDict[Digest, Bundle] = OrderedDict()
        self._open: OrderedDict[Digest, int] = OrderedDict()
        """Bundles with waiting transactions, oldest first: how many."""
        self._waiting: dict[TxId, _Waiting] = {}
        self._claims: dict[bytes, TxId] = {}
        """Nonces and UTIs of waiting transactions."""
        self._expiry: dict[int, set[TxId]] = {}
        self._bytes = 0
        self._sizes: dict[Digest, int] = {}
        self._bundle_bytes = self._open_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, ident: TxId) -> bool:
        return ident in self._waiting

    @property
    def bytes_waiting(self) -> int:
        """Encoded size of what waits."""
        return self._bytes

    def bundle(self, digest: bytes) -> Bundle | None:
        """A bundle at hand."""
        return self._bundles.get(Digest(digest))

    def require_room(self, tx: Transaction, extra: int = 0) -> None:
        """Raise `PoolFull` or `AlreadyWaiting` if `tx`, after `extra` others, could not wait."""
        if len(self._waiting) + extra >= POOL_TRANSACTIONS_MAX or self._bytes >= POOL_BYTES_MAX:
            raise PoolFull(f"{len(self._waiting)} transactions, {self._bytes} bytes wait")
        for claim in claims_of(tx):
            if claim in self._claims:
                raise AlreadyWaiting(f"as transaction {self._claims[claim].hex()}")

    def add(self, bundle: Bundle, admitted: Iterable[int]) -> int:
        """Hold `bundle`; the transactions at the `admitted` positions wait. Returns how many new.

        What finds no room is not waiting here; the node it was submitted to offers it again.
        """
        digest = digest_of(bundle)
        size = len(encode(bundle))
        if digest not in self._open and self._open_bytes + size > OPEN_BYTES_MAX:
            return 0
        if digest not in self._bundles:
            self._bundles[digest] = bundle
            self._sizes[digest] = size
            self._bundle_bytes += size
        count = 0
        for position in admitted:
            count += self._add_one(bundle.transactions[position], digest, position)
        if count:
            if digest not in self._open:
                self._open_bytes += size
            self._open[digest] = self._open.get(digest, 0) + count
        self._trim()
        return count

    def _add_one(self, tx: Transaction, digest: Digest, position: int) -> bool:
        try:
            self.require_room(tx)
        except Rejection:
            return False
        ident = tx_id(tx)
        size = len(encode(tx))
        self._waiting[ident] = _Waiting(tx, digest, position, size)
        self._bytes += size
        self._expiry.setdefault(tx.valid_until, set()).add(ident)
        for claim in claims_of(tx):
            self._claims[claim] = ident
        return True

    def pick(self, bytes_max: int = BLOCK_BODY_BYTES_MAX) -> tuple[BundlePart, ...]:
        """What to propose, oldest bundles first, within a block's limits and `bytes_max`."""
        room = min(bytes_max, BLOCK_BODY_BYTES_MAX)
        chosen: dict[Digest, list[int]] = {digest: [] for digest in self._open}
        count = size = 0
        for entry in self._waiting.values():
            if count + 1 > BLOCK_TRANSACTIONS_MAX or size + entry.size > room:
                break
            chosen[entry.digest].append(entry.position)
            count, size = count + 1, size + entry.size
        return tuple(
            BundlePart(digest, _shortest(sorted(taken), len(self._bundles[digest].transactions)))
            for digest, taken in chosen.items()
            if taken
        )

    def named(self, parts: Iterable[BundlePart]) -> tuple[Transaction, ...]:
        """The transactions that `parts`, of bundles at hand, stand for."""
        found: list[Transaction] = []
        for part in parts:
            source = self._bundles[Digest(part.digest)].transactions
            found += [source[n] for n in part.taken] if part.taken else source
        return tuple(found)

    def decided(self, transactions: Iterable[Transaction], height: int) -> list[TxId]:
        """Forget what block `height` decided; returns the ids of what has expired with it."""
        for tx in transactions:
            self._remove(tx_id(tx))
            for claim in claims_of(tx):
                if claim in self._claims:
                    self._remove(self._claims[claim])
        expired = sorted(self._expiry.pop(height, set()))
        for ident in expired:
            self._remove(ident)
        self._trim()
        return expired

    def retain(self, keep: Callable[[Transaction], bool]) -> None:
        """Forget everything that `keep` is false for."""
        for ident in [ident for ident, entry in self._waiting.items() if not keep(entry.tx)]:
            self._remove(ident)
        self._trim()

    def _remove(self, ident: TxId) -> None:
        entry = self._waiting.pop(ident, None)
        if entry is None:
            return
        self._bytes -= entry.size
        for claim in claims_of(entry.tx):
            self._claims.pop(claim, None)
        waiting = self._expiry.get(entry.tx.valid_until)
        if waiting is not None:
            waiting.discard(ident)
            if not waiting:
                del self._expiry[entry.tx.valid_until]
        self._open[entry.digest] -= 1
        if not self._open[entry.digest]:
            del self._open[entry.digest]
            self._open_bytes -= self._sizes[entry.digest]

    def _trim(self) -> None:
        """Drop the oldest bundles that hold nothing waiting."""
        surplus = len(self._bundles) - len(self._open) - DONE_BUNDLES_KEPT
        for digest in list(self._bundles):
            if surplus <= 0 and self._bundle_bytes - self._open_bytes <= DONE_BYTES_MAX:
                return
            if digest not in self._open:
                del self._bundles[digest]
                self._bundle_bytes -= self._sizes.pop(digest)
                surplus -= 1


def claims_of(tx: Transaction) -> tuple[bytes, ...]:
    """What only one waiting transaction may use: its keys' nonce, or its UTIs."""
    if is_trade(tx.action):
        return tuple(uti.encode() for uti in utis(tx.action))
    return tuple(entry.key + tx.nonce.to_bytes(8, "big") for entry in tx.signatures)


def _shortest(taken: list[int], count: int) -> tuple[int, ...]:
    return () if len(taken) == count else tuple(taken)
