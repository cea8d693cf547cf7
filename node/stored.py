"""The tip as a home's store has it, in one reading: the home's node may run on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.state import State
    from node.core.chain import Tip
    from node.home import Home


async def stored_state(home: "Home") -> "State":
    """The state after the last stored block; raises `StoreDamaged` and the like."""
    return (await stored_tip(home)).state


async def stored_tip(home: "Home") -> "Tip":
    """The last stored block and the state after it; raises `StoreDamaged` and the like."""
    from ledger.genesis import genesis_hash
    from node.core.chain import Tip
    from node.storage.store import Store

    genesis = home.genesis()
    store = await Store.open(home.store, genesis_hash(genesis))
    try:
        await store.db.execute("BEGIN")
        tip = await store.load_tip(Tip.at_genesis(genesis))
        await store.db.execute("ROLLBACK")
    finally:
        await store.close()
    return tip
