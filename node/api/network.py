"""Routes about the node and its chain: status, consensus, blocks, invariants."""

from typing import Any

import msgspec
from litestar import get, post

from ledger.genesis import genesis_hash
from ledger.invariants import InvariantBroken, check_full
from node.api import views
from node.api.errors import HeightPruned, NotFound
from node.api.reading import Height, number_of
from node.apitypes import answers as a
from node.apitypes.outcomes import Pruning
from node.apitypes.requests import Prune
from node.blocks import DecidedBlock
from node.daemon import Daemon
from node.tokens import Scope
from wire.codec import encode


def network_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    shell = daemon.shell

    @get("/status")
    async def status() -> a.Status:
        """The node, its chain and its peers."""
        return views.status(daemon, await daemon.store.oldest())

    @get("/consensus", sync_to_thread=False)
    def consensus() -> a.Standing:
        """The height under way: who voted what, who is missing, what the node waits for."""
        return msgspec.convert(daemon.standing(), a.Standing)

    @get("/finality", sync_to_thread=False)
    def finality() -> list[int]:
        """Milliseconds from acceptance to the stored block, of this node's own submissions."""
        return list(shell.finality_ms)

    @get("/blocks/{height:str}")
    async def block(height: Height) -> a.BlockView:
        """A block by height, or `latest`."""
        return views.block(await _decided(daemon, height))

    @get("/genesis", sync_to_thread=False)
    def genesis() -> a.GenesisView:
        """The network's genesis, and its hash, by which block 1 names it."""
        found = daemon.genesis
        ident = genesis_hash(found).hex()
        return a.GenesisView(
            chain_id=found.chain_id, genesis_hash=ident, genesis=encode(found).hex()
        )

    @get("/invariants", sync_to_thread=False)
    def invariants() -> a.Invariants:
        """All conservation laws checked over the whole state."""
        tip = shell.tip
        try:
            names = check_full(tip.state)
        except InvariantBroken as broken:
            return a.Invariants(as_of_height=tip.height, hold=False, detail=str(broken))
        return a.Invariants(as_of_height=tip.height, hold=True, checked=list(names))

    @post("/prune", opt={"scope": Scope.ADMIN}, status_code=202)
    async def prune(data: Prune) -> Pruning:
        """Delete old blocks, beside the node's other work; `oldest_block` of the status says how
        far it is. Nothing goes that peers, `dcn verify` or recent statements need."""
        found = await daemon.upkeep.prune(data.retain_blocks)
        daemon.admin("prune", retain=data.retain_blocks, keep_from=found.keep_from)
        return Pruning(**msgspec.structs.asdict(found), begun=True)

    @post("/prune/plan", opt={"scope": Scope.ADMIN}, status_code=200)
    async def plan(data: Prune) -> Pruning:
        """What `/v1/prune` would delete now; nothing is deleted."""
        found = await daemon.upkeep.plan(data.retain_blocks)
        return Pruning(**msgspec.structs.asdict(found), begun=False)

    return [prune, plan, status, consensus, finality, block, genesis, invariants]


async def _decided(daemon: Daemon, height: str) -> DecidedBlock:
    """The block at a height as text, or `latest`; raises `NotFound`, `HeightPruned`."""
    tip = daemon.shell.tip.height
    number = tip if height == "latest" else number_of(height)
    decided = await daemon.store.block(number)
    if decided is not None:
        return decided
    oldest = await daemon.store.oldest()
    if 0 < number < oldest:
        raise HeightPruned(f"block {number}, the oldest kept is {oldest}")
    raise NotFound(f"block {number}, the last is {tip}")
