"""A network that has lost its quorum, and what its members sign to go on."""

from collections.abc import Iterable, Sequence

from consensus.signer import SignerState
from ledger import tables as t
from ledger.recovery import RecoveredValidator, Recovery, SignedRecovery, signed
from node.core.chain import Tip
from node.founding import Founded
from simulator import checkers
from simulator.faults import Options
from simulator.network import SimulatedNetwork
from simulator.record import Replay
from simulator.scenario import CHAIN_LINKS
from tests.simulation.test_networks import founded

ROUNDS_APART = 10

CHECKERS = (
    checkers.check_agreement,
    checkers.check_validity,
    checkers.check_roots,
    checkers.check_commits,
    checkers.check_single_signatures,
    checkers.check_accusations,
)


class Stricken:
    """A network of `members` of which the first `lost` are gone for good after a few blocks."""

    def __init__(self, members: int, lost: int, observers: int = 1) -> None:
        self.founded: Founded = founded(members, observers)
        self.network = SimulatedNetwork(self.founded, Options(seed=4), CHAIN_LINKS)
        names = [who.lei for who in self.founded.members]
        self.lost, self.survivors = names[:lost], names[lost:]
        self.observer = self.founded.observers[0].lei if observers else ""
        self._running = [*names]

    def strike(self) -> None:
        """Run for some blocks, then lose nodes, and let the others try for a while."""
        self.network.start(self._running)
        assert self.network.run(lambda: min(self.network.heights()) >= 6)
        for name in self.lost:
            self.network.crash(name)
            self.network.nodes[name].disk.signer = None
        self.network.run(lambda: False, 20_000)
        for name in self.survivors:
            self.network.crash(name)

    @property
    def tip(self) -> Tip:
        """The highest that a survivor holds."""
        tips = [self.network.nodes[name].disk.tip for name in self.survivors]
        return max(tips, key=lambda tip: tip.height)

    def round(self) -> int:
        """Above every round in which a survivor has signed."""
        states = [self.network.nodes[name].disk.signer for name in self.survivors]
        found = [s.last.round for s in states if isinstance(s, SignerState) and s.last is not None]
        return max(found) + ROUNDS_APART

    def draft(self, tip: Tip | None = None) -> Recovery:
        """The survivors decide on from the tip."""
        here = tip or self.tip
        return draft(here, self.survivors, self.round())

    def signed(self, recovery: Recovery, signers: Iterable[int]) -> SignedRecovery:
        """By the governance keys of these members, which are not kept with the nodes."""
        keys = [self.founded.members[n].key("governance") for n in signers]
        return signed(SignedRecovery(recovery, ()), *keys)

    def violations(self) -> list[checkers.Violation]:
        """What checkers find that know nothing of consensus logs: those tell of two sets here."""
        record = self.network.record()
        replay = Replay(record)
        return [found for check in CHECKERS for found in check(record, replay)]

    def recover(self, whom: Sequence[str], recovery: SignedRecovery) -> None:
        """Give the file to nodes and start them."""
        for name in whom:
            self.network.nodes[name].agree(recovery)
        self.network.start(whom)


def draft(tip: Tip, leis: Iterable[str], round_: int, reason: str = "fire") -> Recovery:
    """These members, with the keys they have on the ledger, power 1 each."""
    entries = []
    for lei in sorted(leis):
        member = tip.state.must(t.MEMBERS, t.MEMBERS.key(lei))
        assert member.consensus_key is not None
        link = tip.state.must(t.SEEDS, t.SEEDS.key(member.consensus_key)).link
        entries.append(RecoveredValidator(member.lei, member.consensus_key, 1, link))
    return Recovery(tip.chain_id, tip.height, tip.block_id, round_, tuple(entries), reason)
