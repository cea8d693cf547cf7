"""Own users' transactions on their way: collected for a moment, kept on disk, gossiped together."""

from typing import Final

from ledger.transactions import Transaction
from node.core.mempool import AlreadyWaiting, Mempool, claims_of
from wire.codec import encode
from wire.limits import BUNDLE_BYTES_MAX

FLUSH_TRANSACTIONS: Final = 1_024
"""So many do not wait for the timer."""


class Outgoing:
    """Submissions since the last flush, without duplicates among themselves."""

    def __init__(self) -> None:
        self._transactions: list[Transaction] = []
        self._claims: set[bytes] = set()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._transactions)

    @property
    def full(self) -> bool:
        """Whether to flush without waiting for more."""
        return len(self) >= FLUSH_TRANSACTIONS or 2 * self._bytes >= BUNDLE_BYTES_MAX

    def add(self, tx: Transaction, pool: Mempool) -> None:
        """Take `tx` in; raises `AlreadyWaiting` or `PoolFull`."""
        claims = claims_of(tx)
        if any(claim in self._claims for claim in claims):
            raise AlreadyWaiting("in this very moment")
        pool.require_room(tx, len(self))
        self._transactions.append(tx)
        self._claims.update(claims)
        self._bytes += len(encode(tx))

    def take(self) -> tuple[Transaction, ...]:
        """Everything collected; afterwards there is nothing."""
        taken = tuple(self._transactions)
        self._transactions, self._claims, self._bytes = [], set(), 0
        return taken
