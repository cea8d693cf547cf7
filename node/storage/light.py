"""Light blocks: header and commit as stored with the block, validator sets by their hash.

Headers name validator sets by hash; every set that a stored header can name is kept once. The
*trail* (block 1, and every height after which other validators decide) is kept for ever, pruned or
not: it leads a light client from the genesis to any later height.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consensus.validators import Validator
from node.blocks import LightBlock
from node.core.chain import Tip
from node.core.effects import CommitBlock
from node.core.trust import on_trail
from node.storage.errors import StoreDamaged
from wire.codec import decode, encode
from wire.errors import CodedError

if TYPE_CHECKING:
    import aiosqlite

    from node.storage.store import Store

LIGHT_BLOCK_BYTES_MAX = 256 << 10
"""With a hundred validators and all votes extended it has 130 KB."""

VALIDATORS_BYTES_MAX = 64 << 10
"""A hundred keys with powers are 5 KB."""


async def keep_validators(db: "aiosqlite.Connection", tips: Sequence[Tip]) -> None:
    """Keep the sets that the headers of these heights and the next name; in a transaction."""
    sets = {
        known.hash: known
        for tip in tips
        for known in (tip.last_validators, tip.validators, tip.next_validators)
    }
    await db.executemany(
        "INSERT OR IGNORE INTO validators VALUES (?, ?)",
        [(ident, encode(known.members)) for ident, known in sets.items()],
    )


async def keep_trail(db: "aiosqlite.Connection", blocks: Sequence[CommitBlock]) -> None:
    """Keep the light blocks of those heights that belong to the trail; in a transaction."""
    for entry in blocks:
        header = entry.decided.block.header
        if on_trail(header):
            light = LightBlock(
                header,
                entry.decided.commit,
                entry.tip.last_validators.members,
                entry.tip.validators.members,
            )
            await db.execute(
                "INSERT OR REPLACE INTO trail VALUES (?, ?)", (header.height, encode(light))
            )


async def light_blocks(store: "Store", heights: tuple[int, ...]) -> tuple[LightBlock, ...]:
    """The light blocks of `heights` that are stored, in that order. Raises `StoreDamaged`."""
    found = [await light_block(store, height) for height in heights]
    return tuple(block for block in found if block is not None)


async def light_block(store: "Store", height: int) -> LightBlock | None:
    """The light block of `height`; None if its block is not stored. Raises `StoreDamaged`."""
    decided = await store.block(height)
    if decided is None:
        return await _of_trail(store, height)
    header = decided.block.header
    return LightBlock(
        header,
        decided.commit,
        await _members(store, height, header.validators_hash),
        await _members(store, height, header.next_validators_hash),
    )


async def _of_trail(store: "Store", height: int) -> LightBlock | None:
    cursor = await store.db.execute("SELECT light FROM trail WHERE height=?", (height,))
    row: Any = await cursor.fetchone()
    try:
        return None if row is None else decode(bytes(row[0]), LightBlock, LIGHT_BLOCK_BYTES_MAX)
    except CodedError as error:
        raise StoreDamaged(f"height {height}: the light block: {error}") from None


async def _members(store: "Store", height: int, ident: bytes) -> tuple[Validator, ...]:
    cursor = await store.db.execute("SELECT members FROM validators WHERE hash=?", (ident,))
    row: Any = await cursor.fetchone()
    try:
        return decode(
            b"" if row is None else bytes(row[0]), tuple[Validator, ...], VALIDATORS_BYTES_MAX
        )
    except CodedError as error:
        raise StoreDamaged(f"height {height}: validators {ident.hex()[:16]}: {error}") from None
