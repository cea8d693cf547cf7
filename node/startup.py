"""What a node checks before it runs: the mark of damage, the state root, and the last blocks.

A node that cannot trust its files does not start; it says what is wrong and what to do.
"""

import json
from typing import Final

from consensus.errors import BadCertificate, BadValidatorSet
from consensus.verification import verify_commit
from ledger.genesis import Genesis, genesis_hash
from node.blocks import DecidedBlock, block_id
from node.config import StoreSection
from node.core.chain import Tip
from node.core.errors import CheckpointContradicted
from node.core.statesync import CatchUp
from node.files import replace_file
from node.home import Home
from node.light.root import GenesisRoot, NamedHeader
from node.light.verify import Options
from node.storage.errors import StoreDamaged, as_stored
from node.storage.store import Store
from wire.errors import BadSignature
from wire.limits import TIME_MS_MAX

RECENT_BLOCKS: Final = 100
"""Blocks whose hashes and commits are checked at every start."""


def catch_up(config: StoreSection, genesis: Genesis, last_height: int) -> CatchUp | None:
    """When a snapshot is taken, and from what trust begins: the genesis, however old it is.

    Its validators answer for what they sign with their names, not with a stake that they can take
    back: what ends their power is a change that the chain itself has decided. Against validators
    of long ago stands the trusted header, if the operator has named one. `last_height`: of this
    version, see `node.upgrade`.
    """
    if not config.state_sync_behind:
        return None
    validators = Tip.at_genesis(genesis).validators.members
    root = GenesisRoot(genesis.chain_id, genesis_hash(genesis), genesis.time_ms, validators)
    how = Options(trusting_period_ms=TIME_MS_MAX)
    return CatchUp(root, config.state_sync_behind, how, config.checkpoint(), last_height)


async def require_checkpoint(store: Store, checkpoint: NamedHeader | None) -> None:
    """Raise `CheckpointContradicted` if the store has another block where `checkpoint` is."""
    if checkpoint is not None:
        decided = await store.block(checkpoint.height)
        if decided is not None and checkpoint.contradicts(decided.block.header):
            raise CheckpointContradicted(f"height {checkpoint.height}: {checkpoint} expected")


def leave_mark(home: Home, findings: list[str]) -> None:
    """Have every later start refuse, until the store is reset."""
    replace_file(home.damage, json.dumps({"findings": findings}, indent=2).encode())


def honour_mark(home: Home) -> None:
    """Raise `StoreDamaged` if an earlier check has found the store damaged."""
    if home.damage.exists():
        try:
            findings = json.loads(home.damage.read_text())["findings"]
        except (ValueError, KeyError, TypeError):
            findings = ["(the mark itself cannot be read)"]
        raise StoreDamaged(f"found before: {findings[0]}")


async def checked_tip(home: Home, store: Store, at_genesis: Tip) -> Tip:
    """The stored tip, after the checks of a start; leaves the mark on damage."""
    honour_mark(home)
    try:
        with as_stored():
            return await _checked(store, at_genesis)
    except StoreDamaged as damaged:
        leave_mark(home, [damaged.detail])
        raise


async def _checked(store: Store, at_genesis: Tip) -> Tip:
    try:
        tip = await store.load_tip(at_genesis)
    except BadValidatorSet as error:
        raise StoreDamaged(f"the tip record: {error}") from None
    first = max(await store.oldest(), tip.height - RECENT_BLOCKS + 1)
    check_recent(tip, await store.blocks(first, RECENT_BLOCKS), first)
    return tip


def check_recent(tip: Tip, blocks: list[DecidedBlock], first: int) -> None:
    """Raise `StoreDamaged` unless `blocks` are the chain from `first` up to the tip.

    The validator set of older blocks is known by its hash in their headers; signatures are
    checked for the blocks of the present set, the chain of hashes for all.
    """
    heights = [decided.block.header.height for decided in blocks]
    if heights != list(range(first, tip.height + 1)):
        raise StoreDamaged(f"height {first}: blocks are missing up to {tip.height}")
    previous: bytes | None = None
    for decided in blocks:
        header = decided.block.header
        ident = block_id(header)
        if previous is not None and header.last_block_id != previous:
            raise StoreDamaged(f"height {header.height}: does not follow the block before")
        previous = ident
        if header.validators_hash == tip.last_validators.hash:
            try:
                verify_commit(
                    tip.chain_id, decided.commit, tip.last_validators, header.height, ident
                )
            except (BadCertificate, BadSignature) as error:
                raise StoreDamaged(f"height {header.height}: the commit: {error}") from None
    if blocks and block_id(blocks[-1].block.header) != tip.block_id:
        raise StoreDamaged(f"height {tip.height}: the block is not the recorded one")


def lift_mark(home: Home) -> bool:
    """Let the node start again, the store being sound or gone; whether there was a mark."""
    found = home.damage.exists()
    home.damage.unlink(missing_ok=True)
    return found
