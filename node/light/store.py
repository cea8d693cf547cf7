"""The trusted store: light blocks that have been verified, by height. An immutable value."""

from collections.abc import Iterable
from typing import Final, Self

from node.blocks import LightBlock, block_id
from wire.codec import Record, decode, encode
from wire.errors import MalformedBytes

BLOCKS_KEPT: Final = 400
"""Of a trusted store: with a hundred validators 8 MB, 52 MB if all their votes are extended."""

STORE_BYTES_MAX: Final = 64 << 20
STORE_FILE_VERSION: Final = 1


class _File(Record, frozen=True):
    """The store as bytes."""

    version: int
    blocks: tuple[LightBlock, ...]
    """By height, ascending."""


class TrustedStore:
    """What a light client trusts. Every block in it was verified from one that was there."""

    __slots__ = ("_blocks",)

    def __init__(self, blocks: Iterable[LightBlock]) -> None:
        """`blocks`: at least one, all trusted by the caller."""
        by_height = {block.header.height: block for block in blocks}
        self._blocks = {height: by_height[height] for height in sorted(by_height)}
        assert self._blocks

    @property
    def latest(self) -> LightBlock:
        """The highest trusted block."""
        return self._blocks[max(self._blocks)]

    @property
    def blocks(self) -> tuple[LightBlock, ...]:
        """Ascending by height."""
        return tuple(self._blocks.values())

    @property
    def heights(self) -> tuple[int, ...]:
        """Ascending."""
        return tuple(self._blocks)

    def get(self, height: int) -> LightBlock | None:
        """The trusted block of `height`, if it is there."""
        return self._blocks.get(height)

    def below(self, height: int) -> LightBlock | None:
        """The highest trusted block below `height`."""
        found = [known for known in self._blocks if known < height]
        return self._blocks[found[-1]] if found else None

    def above(self, height: int) -> LightBlock | None:
        """The lowest trusted block above `height`."""
        found = [known for known in self._blocks if known > height]
        return self._blocks[found[0]] if found else None

    def with_blocks(self, blocks: Iterable[LightBlock]) -> Self:
        """The store with `blocks` in it, which have been verified; what was trusted stays."""
        added = {block.header.height: block for block in blocks}
        for height, block in added.items():
            known = self._blocks.get(height)
            assert known is None or block_id(known.header) == block_id(block.header)
        return type(self)([*added.values(), *self._blocks.values()])

    def pruned(self, kept: int = BLOCKS_KEPT) -> Self:
        """The newest `kept` blocks; the lowest stays too, for all that is older to hang on."""
        if len(self._blocks) <= kept:
            return self
        heights = self.heights
        return type(self)(self._blocks[height] for height in (heights[0], *heights[1 - kept :]))


def encode_store(store: TrustedStore) -> bytes:
    """The bytes of a store file."""
    return encode(_File(STORE_FILE_VERSION, store.blocks))


def decode_store(data: bytes) -> TrustedStore:
    """The store that `encode_store` wrote; raises `MalformedBytes`, `Oversize`."""
    file = decode(data, _File, STORE_BYTES_MAX)
    if file.version != STORE_FILE_VERSION or not file.blocks:
        raise MalformedBytes(f"a trusted store of version {file.version}")
    return TrustedStore(file.blocks)
