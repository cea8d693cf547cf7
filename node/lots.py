"""Which minted units an account holds: a convention on top of balances, which are fungible.

Units have numbers, in the order of their minting; a run of them with one owner is a lot. An account
keeps its lots in the order in which it got them, and gives the oldest away first. Of a block only
net changes of accounts count: first whoever was minted for gets its new units; then every account
that has become smaller, in the order of account keys, gives lots to a pool; what was redeemed is
the front of the pool; then every account that has become larger, in the same order, takes from it.
Everybody who replays the blocks finds the same lots.
"""

from collections import defaultdict, deque

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.state import State
from wire.ids import AssetCode


class Lot(msgspec.Struct, frozen=True):
    """Units `first` to `first + count - 1` of an asset."""

    first: int
    count: int


class Source(msgspec.Struct, frozen=True):
    """A lot and the mint that it comes from."""

    lot: Lot
    minted: int
    """Units minted before that mint: its key."""
    minting: o.Minting


class Lots:
    """The lots of every account of one asset, block by block from the first on."""

    def __init__(self, asset: AssetCode) -> None:
        self._asset = asset
        self._of: dict[bytes, deque[Lot]] = defaultdict(deque)
        self._mints: dict[int, o.Minting] = {}

    def block(self, before: State, after: State, keys: list[bytes]) -> None:
        """Follow a block that changed the rows of `keys`."""
        change: dict[bytes, int] = {}
        for key in sorted(keys):
            if key[0] == t.BALANCES.tag and t.BALANCES.parts(key)[3] == self._asset:
                change[key] = _held(after, key) - _held(before, key)
        for key in sorted(keys):
            if key[0] == t.MINTINGS.tag and t.MINTINGS.parts(key)[0] == self._asset:
                self._mint(t.MINTINGS.parts(key)[1], after.must(t.MINTINGS, key), change)
        pool: deque[Lot] = deque()
        for account in sorted(change):
            if change[account] < 0:
                pool += _taken(self._of[account], -change[account])
        _taken(pool, self._redeemed(after) - self._redeemed(before))
        for account in sorted(change):
            if change[account] > 0:
                self._of[account] += _taken(pool, change[account])
        assert not pool, (self._asset, pool)

    def of(self, account: bytes) -> list[Source]:
        """The lots of an account, oldest first, each split by the mints that it comes from."""
        found: list[Source] = []
        for lot in self._of.get(account, ()):
            rest = lot
            while rest.count:
                minted = max(n for n in self._mints if n <= rest.first)
                minting = self._mints[minted]
                count = min(rest.count, minted + minting.amount - rest.first)
                found.append(Source(Lot(rest.first, count), minted, minting))
                rest = Lot(rest.first + count, rest.count - count)
        return found

    def _mint(self, minted: int, row: o.Minting, change: dict[bytes, int]) -> None:
        self._mints[minted] = row
        account = t.own_account(row.to, self._asset)
        self._of[account].append(Lot(minted, row.amount))
        change[account] = change.get(account, 0) - row.amount

    def _redeemed(self, state: State) -> int:
        row = state.get(t.ASSETS, t.ASSETS.key(self._asset))
        return 0 if row is None else row.redeemed


def _held(state: State, account: bytes) -> int:
    row = state.get(t.BALANCES, account)
    return 0 if row is None else row.balance


def _taken(lots: deque[Lot], count: int) -> deque[Lot]:
    """The first `count` units of `lots`, which must have them, taken out of it."""
    found: deque[Lot] = deque()
    while count:
        lot = lots.popleft()
        if lot.count > count:
            lots.appendleft(Lot(lot.first + count, lot.count - count))
            lot = Lot(lot.first, count)
        found.append(lot)
        count -= lot.count
    return found
