"""Who is who on the network: peer ids of the ledger's members, and what each may do."""

from collections.abc import Mapping

from ledger import objects as o
from ledger import tables as t
from ledger.actions import OVERSIGHT
from ledger.state import State
from node.blocks import Bundle
from node.network import peer_id_of


class Membership:
    """Members with a node, by peer id and by LEI. Made anew from each state that changes it."""

    def __init__(self, state: State) -> None:
        self._by_peer: dict[str, o.Member] = {}
        self._peer_of: dict[str, str] = {}
        for key in _with_node(state):
            member = state.must(t.MEMBERS, key)
            if member.peer_key is not None:
                peer = peer_id_of(member.peer_key)
                self._by_peer[peer] = member
                self._peer_of[member.lei] = peer

    def lei_of(self, peer: str) -> str | None:
        """The member that runs the node `peer`."""
        member = self._by_peer.get(peer)
        return None if member is None else member.lei

    def peer_of(self, lei: str) -> str | None:
        """The peer id of a member's node."""
        return self._peer_of.get(lei)

    def may_submit(self, peer: str, bundle: Bundle) -> bool:
        """Whether a bundle of the peer's is taken: of observers, the record of their looks."""
        member = self._by_peer.get(peer)
        if member is None:
            return False
        if o.Role.MEMBER in member.roles:
            return True
        return all(isinstance(tx.action, OVERSIGHT) for tx in bundle.transactions)

    def addresses(self, configured: Mapping[str, str]) -> dict[str, str]:
        """Peer id to multiaddr of all members with a node; empty where none is configured."""
        return {peer: configured.get(lei, "") for lei, peer in self._peer_of.items()}


def _with_node(state: State) -> list[bytes]:
    keys = {*state.indexed(t.MEMBERS, o.Role.MEMBER), *state.indexed(t.MEMBERS, o.Role.REGULATOR)}
    outside = (o.MemberState.APPLIED, o.MemberState.EXITED)
    return [key for key in sorted(keys) if state.must(t.MEMBERS, key).state not in outside]
