"""A validator's SHA-256 hash chain, whose links its blocks reveal one by one (the netting seed).

The ledger holds the last revealed link; the next one is its preimage, which only the holder of
the secret can give. A proposer can withhold its turn, not choose its link.
"""

import hashlib
from typing import Final

LENGTH: Final = 1 << 20
"""Links of a chain: blocks a validator can propose before it commits to a new chain."""

_STRIDE: Final = 1 << 10


class SeedChain:
    """All links of one secret, a checkpoint every `_STRIDE` of them in memory."""

    def __init__(self, secret: bytes, length: int = LENGTH) -> None:
        """`secret`: 32 bytes. Costs `length` hashes, 0.2 s for the default."""
        self._checkpoints = [secret]
        link = secret
        for _ in range(length // _STRIDE):
            link = _further(link, _STRIDE)
            self._checkpoints.append(link)
        self.anchor = _further(link, length % _STRIDE)
        """The public end of the chain: what genesis commits to."""
        self._position = length
        self._link = self.anchor

    def next_link(self, revealed: bytes) -> bytes:
        """The preimage of `revealed`, the last link the ledger knows. Raises `KeyError` if it is
        not of this chain, or the chain is used up."""
        if revealed != self._link:
            self._position = self._locate(revealed)
            self._link = revealed
        if self._position == 0:
            raise KeyError("the seed chain is used up")
        return self._at(self._position - 1)

    def _locate(self, revealed: bytes) -> int:
        """The position of a link: one before the last known, or anywhere after a restart."""
        if self._position and self._at(self._position - 1) == revealed:
            return self._position - 1
        for number, link in enumerate(self._checkpoints):
            for position in range(number * _STRIDE, (number + 1) * _STRIDE):
                if link == revealed:
                    return position
                link = hashlib.sha256(link).digest()  # noqa: PLW2901
        raise KeyError("the ledger's link is not one of this seed chain")

    def _at(self, position: int) -> bytes:
        return _further(self._checkpoints[position // _STRIDE], position % _STRIDE)


def _further(link: bytes, steps: int) -> bytes:
    """The link so many hashes on."""
    sha256 = hashlib.sha256
    for _ in range(steps):
        link = sha256(link).digest()
    return link
