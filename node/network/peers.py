"""The peers of a host, in trio: who is welcome, who dials whom, one link each, and what ends it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import structlog
import trio
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PERMANENT_ADDR_TTL
from multiaddr import Multiaddr

from node.network.config import DIRECT_PROTOCOL, NetworkLimits
from node.network.errors import TruncatedFrame
from node.network.events import Direct, PeerDown, PeerFaulted, PeerUp
from node.network.faults import FaultBook
from node.network.link import Link, LinkEnded
from node.network.mailbox import Inbox, Outbox
from node.network.quiet import Pace
from node.network.tally import Tally
from wire.errors import PeerFault

log = structlog.get_logger("network")

REDIAL_S_FIRST: Final = 0.25
"""Long enough for the other side to have noticed that the old connection is gone."""

DIAL_S_MAX: Final = 10.0
"""Patience with a peer that accepts a connection and then says nothing."""

CLOSE_S_MAX: Final = 1.2
"""Patience with a connection that is being closed."""

SECOND_DIAL_S: Final = 2.5
"""The side with the larger id leaves dialling to the other, which may not know its address."""

STEADY_S: Final = 5.0
"""A link that lasted so long was a good one: the next dial follows at once."""


@dataclass(slots=True)
class _Peer:
    """One configured peer, as the host sees it."""

    name: str
    id: Any
    outbox: Outbox
    dialling: trio.CancelScope = field(default_factory=trio.CancelScope)
    link: trio.CancelScope | None = None
    link_gone: trio.Event = field(default_factory=trio.Event)
    why: str = ""


class Peers:
    """All peers of one host. `enter` it with the nursery of a session; all else is in that."""

    def __init__(self, limits: NetworkLimits, inbox: Inbox, tally: Tally) -> None:
        self._limits, self._inbox, self._tally = limits, inbox, tally
        self._addresses: dict[str, str] = {}
        self._outboxes: Mapping[str, Outbox] = {}
        self._peers: dict[str, _Peer] = {}
        self._names: dict[bytes, str] = {}
        self._faults = FaultBook()
        self._pace = Pace()

    # ------------------------------------------------------------------ a session
    def enter(self, host: Any, nursery: trio.Nursery, soon: Callable[[Any], None]) -> None:
        """A new libp2p host serves; `soon` calls a function in this thread, from any."""
        self._host, self._network = host, host.get_network()
        self._nursery, self._soon = nursery, soon
        self._peers.clear()
        for peer in self._addresses:
            self._add(peer)

    def choose(self, addresses: Mapping[str, str], outboxes: Mapping[str, Outbox]) -> None:
        """The peers of the next session."""
        self._addresses, self._outboxes = dict(addresses), outboxes

    def change(self, addresses: Mapping[str, str], outboxes: Mapping[str, Outbox]) -> None:
        """From now on these are the peers, and nobody else."""
        before = self._addresses
        self.choose(addresses, outboxes)
        for peer in before.keys() - addresses.keys():
            self._remove(peer)
        for peer, address in addresses.items():
            if before.get(peer) != address:
                self._remove(peer)
                self._add(peer)

    def _add(self, name: str) -> None:
        peer = _Peer(name, ID.from_base58(name), self._outboxes[name])
        self._peers[name] = peer
        self._names[peer.id.to_bytes()] = name
        store = self._host.get_peerstore()
        store.clear_addrs(peer.id)
        if not self._addresses[name]:
            return  # welcome, if it dials us
        store.add_addrs(peer.id, [Multiaddr(self._addresses[name])], PERMANENT_ADDR_TTL)
        ours = self._host.get_id().to_bytes() < peer.id.to_bytes()
        self._nursery.start_soon(self._keep_linked, peer, 0 if ours else SECOND_DIAL_S)

    def _remove(self, name: str) -> None:
        peer = self._peers.pop(name, None)
        if peer is not None:
            self._names.pop(peer.id.to_bytes(), None)
            self._faults.forget(name)
            peer.dialling.cancel()
            self._nursery.start_soon(self._disconnect, peer, "no longer a peer")

    # ------------------------------------------------------------------ who is welcome
    def refusal(self, peer: str) -> str | None:
        """Why `peer` may not connect now, or None."""
        if peer not in self._addresses:
            self._tally.add("strangers_refused")
            if self._pace.due("stranger"):
                log.warning("stranger refused", peer=peer)
            return "not a peer of this node"
        barred = self._faults.barred_for(peer, trio.current_time())
        if barred:
            self._tally.add("barred_refused")
            return f"barred for {barred:.0f} s"
        return None

    def name_of(self, raw: bytes) -> str | None:
        """The peer whose id has these bytes, or None."""
        return self._names.get(raw)

    def fault(self, peer: str, fault: PeerFault) -> None:
        """Count a fault of `peer` and tell the daemon; too many keep it out for a while."""
        now = trio.current_time()
        known = self._peers.get(peer)
        if known is None or self._faults.barred_for(peer, now):
            return  # already leaving: what is still in flight does not count again
        bar = self._faults.record(peer, now)
        self._tally.add("faults")
        self._inbox.note(peer, PeerFaulted(peer, str(fault)))
        log.warning("peer faulted", peer=peer, reason=str(fault), barred_s=bar)
        if bar:
            self._tally.add("bars")
            self._nursery.start_soon(self._disconnect, known, f"barred for {bar:.0f} s")

    def drop(self, peer: str, reason: str) -> None:
        """Close the connection to `peer`; it is dialled again."""
        known = self._peers.get(peer)
        if known is not None:
            self._nursery.start_soon(self._disconnect, known, reason)

    async def _disconnect(self, peer: _Peer, reason: str) -> None:
        if peer.link is not None:
            peer.why = reason
            peer.link.cancel()
        with trio.move_on_after(CLOSE_S_MAX) as patience:
            patience.shield = True  # a close that is cut short leaves its socket open
            await self._network.close_peer(peer.id)

    # ------------------------------------------------------------------ links
    async def _keep_linked(self, peer: _Peer, patience_s: float) -> None:
        """Dial `peer` for ever, whenever there has been no link for `patience_s`."""
        delay = REDIAL_S_FIRST
        with peer.dialling:
            while True:
                await trio.sleep(patience_s)
                if peer.link is not None:
                    await peer.link_gone.wait()
                    continue
                await trio.sleep(self._faults.barred_for(peer.name, trio.current_time()))
                began = trio.current_time()
                try:
                    stream = await self._dial(peer)
                except Exception as error:  # nothing a peer does may end the dialling
                    self._tally.add("redials")
                    log.debug("dial failed", peer=peer.name, error=repr(error)[:200])
                else:
                    await self._serve(peer, stream)
                    if trio.current_time() - began > STEADY_S:
                        delay = REDIAL_S_FIRST
                await trio.sleep(delay)
                delay = min(delay * 2, self._limits.redial_s_max)

    async def _dial(self, peer: _Peer) -> Any:
        self._network.unblock_peer(peer.id)  # else a failed dial is remembered for a minute
        with trio.fail_after(DIAL_S_MAX):
            await self._network.dial_peer(peer.id)
            return await self._host.new_stream(peer.id, [DIRECT_PROTOCOL])

    async def on_direct_stream(self, stream: Any) -> None:
        """A peer has opened its direct stream to us."""
        peer = self._peers.get(str(stream.muxed_conn.peer_id))
        if peer is not None:
            await self._serve(peer, stream)

    async def _serve(self, peer: _Peer, stream: Any) -> None:
        """Run the direct stream to its end. A second one replaces the first: it is the live one."""
        while peer.link is not None:
            peer.why = "replaced by a new stream"
            peer.link.cancel()
            await peer.link_gone.wait()
        deliver = self._deliverer(peer.name)
        link = Link(stream, peer.outbox, deliver, self._tally, self._limits)
        peer.link_gone, peer.why = trio.Event(), "stopped"
        with trio.CancelScope() as peer.link:
            try:
                peer.outbox.open(lambda: self._soon(link.wake))
                self._tally.add("links_up")
                self._inbox.note(peer.name, PeerUp(peer.name))
                log.info("peer up", peer=peer.name)
                await self._run(link, peer, stream)
            finally:
                self._ended(peer)
        with trio.move_on_after(1) as patience:
            patience.shield = True
            await stream.reset()

    async def _run(self, link: Link, peer: _Peer, stream: Any) -> None:
        try:
            await link.run()
        except PeerFault as fault:
            peer.why = str(fault)
            self.fault(peer.name, fault)  # the stream is reset, the connection stays
            return
        except LinkEnded:
            peer.why = "closed by the peer"
        except Exception as error:  # a connection ends in many ways, and all of them are normal
            peer.why = repr(error)[:200]
        if link.cut and not stream.muxed_conn.event_shutting_down.is_set():
            self.fault(peer.name, TruncatedFrame("direct stream"))
        else:
            self.drop(peer.name, peer.why)

    def _ended(self, peer: _Peer) -> None:
        peer.link = None
        peer.link_gone.set()
        lost = peer.outbox.close()
        self._tally.add("direct_lost", lost)
        self._tally.add("links_lost")
        self._inbox.note(peer.name, PeerDown(peer.name, peer.why))
        log.info("peer down", peer=peer.name, reason=peer.why, messages_lost=lost)

    def _deliverer(self, peer: str) -> Callable[[bytes], Any]:
        limits = (self._limits.inbox_messages_max, self._limits.inbox_bytes_max)

        async def deliver(message: bytes) -> None:
            event = Direct(peer, message)
            while not self._inbox.offer(peer, event, len(message), *limits):
                room = trio.Event()
                if self._inbox.when_room(peer, partial(self._soon, room.set)):
                    await room.wait()
            self._tally.add("direct_in")

        return deliver
