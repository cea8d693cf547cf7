"""The ledger's state as a home's store has it, in one reading: the home's node may run on."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.state import State
    from node.home import Home


async def stored_state(home: "Home") -> "State":
    """The state after the last stored block; raises `StoreDamaged` and the like."""
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
    return tip.state
