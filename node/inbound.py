"""Takes what the network brings: decodes, verifies, and gives it to the core or the affirmer.

Whatever a peer sends that no correct peer would send is counted against it; the node goes on.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from ledger.transactions import Transaction, tx_id
from node.affirmation import Affirmer
from node.blocks import decode_bundle
from node.core import inputs as i
from node.core.mempool import AlreadyWaiting, PoolFull
from node.membership import Membership
from node.messages import (
    AffirmReply,
    AffirmRequest,
    BlocksReply,
    DirectMessage,
    decode_message,
    encode_message,
)
from node.network import Direct, Event, Gossip, Network, PeerDown, PeerFaulted, PeerUp
from node.shell import Shell, now_ms
from node.storage.trades import AFFIRMED, REFUSED, Outcome
from node.verify import HEAVY_SIGNATURES, signatures_in, verify_bundle, verify_message
from wire.errors import PeerFault, Rejection
from wire.signing import Verified

log = structlog.get_logger("node")


class ObserverBundle(PeerFault):
    """A bundle was gossiped by a node that may not submit."""

    code = "PEER_MAY_NOT_SUBMIT"
    remedy = "Observers follow; transactions go through a member's node."


class Inbound:
    """The receiving side of the daemon."""

    def __init__(
        self, chain_id: str, network: Network, shell: Shell, membership: Membership
    ) -> None:
        self.membership = membership
        self.affirmer: Affirmer | None = None
        """Set by the daemon of a member; an observer affirms nothing."""
        self._chain_id = chain_id
        self._network = network
        self._shell = shell
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Receive until the network has stopped."""
        while True:
            await self._shell.room()
            event = await self._network.receive()
            try:
                await self._take(event)
            except PeerFault as fault:
                self._count(event.author if isinstance(event, Gossip) else event.peer, fault)

    async def _take(self, event: Event) -> None:
        match event:
            case PeerUp(peer=peer):
                log.info("peer_up", peer=peer, lei=self.membership.lei_of(peer))
                self._shell.put(i.PeerConnected(peer, now_ms()))
            case PeerDown(peer=peer, reason=reason):
                log.info("peer_down", peer=peer, reason=reason)
                self._shell.put(i.PeerLost(peer, now_ms()))
            case PeerFaulted(peer=peer, reason=reason):
                log.warning("peer_fault", peer=peer, code="NETWORK", detail=reason)
            case Gossip(author=author, data=data):
                await self._gossip(author, data)
            case Direct(peer=peer, data=data):
                await self._direct(peer, data)

    async def _gossip(self, author: str, data: bytes) -> None:
        bundle = decode_bundle(data)
        if not self.membership.may_submit(author, bundle):
            raise ObserverBundle(author)
        if len(bundle.transactions) >= HEAVY_SIGNATURES:
            checked = await asyncio.to_thread(verify_bundle, bundle)
        else:
            checked = verify_bundle(bundle)
        self._shell.put(i.BundleHeard(checked, now_ms()))

    async def _direct(self, peer: str, data: bytes) -> None:
        message = decode_message(data)
        if not self._shell.core.wants(peer, message):
            return
        if isinstance(message, BlocksReply):  # votes need not wait for a hundred blocks
            self._aside(self._blocks(peer, message))
            return
        if signatures_in(message) >= HEAVY_SIGNATURES:
            checked = await asyncio.to_thread(verify_message, self._chain_id, message)
        else:
            checked = verify_message(self._chain_id, message)
        await self._dispatch(peer, checked)

    async def _blocks(self, peer: str, reply: BlocksReply) -> None:
        """Verify the signatures of synced blocks in a thread, beside everything else.

        Their number is bounded: each answers a request of this node.
        """
        try:
            checked = await asyncio.to_thread(verify_message, self._chain_id, reply)
        except PeerFault as fault:
            self._count(peer, fault)
            reply = BlocksReply(reply.from_height, reply.oldest, ())
            checked = Verified(reply)  # for sync the answer is one without blocks
        self._shell.put(i.MessageReceived(peer, checked, now_ms()))

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count(self, peer: str, fault: PeerFault) -> None:
        log.warning("peer_fault", peer=peer, code=fault.code, detail=fault.detail)
        self._network.fault(peer, fault)

    async def _dispatch(self, peer: str, checked: Verified[DirectMessage]) -> None:
        match checked.value:
            case AffirmRequest() as request:
                lei = self.membership.lei_of(peer)
                if self.affirmer is not None and lei is not None:
                    reply = await self.affirmer.answer(lei, request)
                    self._network.send(peer, encode_message(reply))
            case AffirmReply() as reply:
                lei = self.membership.lei_of(peer)
                if self.affirmer is not None and lei is not None:
                    await self._affirmed(self.affirmer, lei, reply)
            case _:
                self._shell.put(i.MessageReceived(peer, checked, now_ms()))

    async def _affirmed(self, affirmer: Affirmer, lei: str, reply: AffirmReply) -> None:
        """Submit what is complete now, off this task: the core answers after its flush."""
        complete, refused = affirmer.completed(lei, reply)
        await affirmer.close(refused)
        if complete:
            self._aside(_submit(self._shell, affirmer, complete))


async def _submit(shell: Shell, affirmer: Affirmer, complete: list[Transaction]) -> None:
    """Submit transactions that both have signed; only then their affirmation is closed."""

    async def one(tx: Transaction) -> Outcome | None:
        try:
            await shell.submit(Verified(tx))
        except PoolFull:
            return None  # still waiting: the counterparty is asked again, and it is tried again
        except AlreadyWaiting:
            return Outcome(tx_id(tx), AFFIRMED, "", ())
        except Rejection as rejection:
            return Outcome(tx_id(tx), REFUSED, rejection.code, ())
        return Outcome(tx_id(tx), AFFIRMED, "", ())

    outcomes = await asyncio.gather(*(one(tx) for tx in complete))
    await affirmer.close([outcome for outcome in outcomes if outcome is not None])
