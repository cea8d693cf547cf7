"""The light client: a trusted store, a primary that is asked, witnesses that it is compared with.

Generators (see `asking.py`): the caller carries the questions to the nodes. A node that lies is
never asked again; one that is silent is moved to the end of the queue. What is trusted is what the
primary led to by verified steps and at least one witness has too.
"""

from typing import Final

import msgspec

from node.blocks import LightBlock, block_id
from node.light.asking import LATEST, Asking, Silent, ask, climb, descend, require_fresh
from node.light.detection import Fork, compare
from node.light.errors import HeightNotReached, Lied, NoProvider
from node.light.store import TrustedStore
from node.light.verify import Options, expired

SILENCES_MAX: Final = 3
"""A node that has not answered so often in a row is asked no more."""


class Dismissed(msgspec.Struct, frozen=True):
    """A node that is not asked any more, and why."""

    node: str
    reason: str


class ForkFound(Exception):
    """Two chains verify: the network is under attack. Nothing of either side was trusted."""

    def __init__(self, fork: Fork) -> None:
        heights = (fork.ours.header.height, fork.theirs.header.height)
        super().__init__(f"{fork.attack}: {fork.node} and {fork.witness} differ at {heights}")
        self.fork = fork


class LightClient:
    """One light client of one chain."""

    def __init__(
        self,
        store: TrustedStore,
        primary: str,
        witnesses: tuple[str, ...],
        how: Options,
        *,
        skip: bool = True,
        alone: bool = False,
    ) -> None:
        """`witnesses`: nodes of other members; `alone` does without, and detects no attack by
        validators. `skip`: bisection, else every height is verified."""
        if not witnesses and not alone:
            raise NoProvider("no witness to compare the node's headers with")
        self.store = store
        self.nodes = [primary, *witnesses]
        """The primary first."""
        self.dismissed: list[Dismissed] = []
        self._how: Final = how
        self._skip: Final = skip
        self._alone: Final = alone
        self._silences: dict[str, int] = {}

    def to_height(self, height: int, now_ms: int) -> Asking[LightBlock]:
        """The trusted light block of `height`, or of LATEST.

        Forwards from the nearest trusted block below it, compared with the witnesses; where none is
        below, or none that is fresh, backwards by the chain of hashes. Raises `TrustExpired`,
        `NoProvider`, `HeightNotReached`, `ForkFound`.
        """
        known = self.store.get(height)
        if known is not None:
            return known
        while True:
            primary = self._primary()
            try:
                found = yield from self._by(primary, height, now_ms)
            except Silent:
                self._silent(primary)
            except Lied as fault:
                self._dismiss(primary, fault.detail)
            else:
                self._silences.pop(primary, None)
                return found

    def _by(self, primary: str, height: int, now_ms: int) -> Asking[LightBlock]:
        """`to_height` with one primary; raises its `Silent` or `Lied`."""
        latest = self.store.latest
        start = latest if height == LATEST else self.store.below(height)
        above = None if height == LATEST else self.store.above(height)
        if above is not None and (start is None or self._is_old(start, now_ms)):
            target = yield from descend(primary, above, height)
            self.store = self.store.with_blocks([target]).pruned()
            return target
        assert start is not None  # the store is not empty
        require_fresh(start, self._how, now_ms)
        try:
            target, now_ms = yield from ask(primary, height)
        except Silent:
            if height != LATEST:
                yield from self._is_there(primary, height)
            raise
        if target.header.height <= start.header.height:
            return self._nothing_new(primary, target)
        steps = yield from climb(primary, start, target, now_ms, self._how, skip=self._skip)
        yield from self._cross_check(primary, start, target, now_ms)
        self.store = self.store.with_blocks(steps).pruned()
        return target

    def _is_old(self, block: LightBlock, now_ms: int) -> bool:
        return expired(block.header, self._how.trusting_period_ms, now_ms)

    def _nothing_new(self, primary: str, newest: LightBlock) -> LightBlock:
        """The newest trusted block, if the node that has nothing newer has the same."""
        known = self.store.get(newest.header.height)
        if known is not None and block_id(known.header) != block_id(newest.header):
            raise Lied(f"{primary} has another block at {newest.header.height}, which is trusted")
        return self.store.latest

    def _is_there(self, primary: str, height: int) -> Asking[None]:
        """Raise `HeightNotReached` if the node that lacks `height` is well and not so far."""
        newest, _ = yield from ask(primary, LATEST)
        if newest.header.height < height:
            raise HeightNotReached(f"{height}; {primary} is at {newest.header.height}")

    def _cross_check(
        self, primary: str, start: LightBlock, target: LightBlock, now_ms: int
    ) -> Asking[None]:
        """Compare `target` with every witness; at least one must have it.

        Raises `ForkFound`, `NoProvider`.
        """
        agreed = 0
        for witness in [node for node in self.nodes if node != primary]:
            try:
                fork = yield from compare(primary, witness, start, target, now_ms, self._how)
            except Silent:
                self._silent(witness)
            except Lied as fault:
                self._dismiss(witness, fault.detail)
            else:
                if fork is not None:
                    raise ForkFound(fork)
                self._silences.pop(witness, None)
                agreed += 1
        if not agreed and not self._alone:
            raise NoProvider(f"no witness has block {target.header.height}")

    def _primary(self) -> str:
        if not self.nodes or (len(self.nodes) == 1 and not self._alone):
            raise NoProvider("; ".join(f"{one.node}: {one.reason}" for one in self.dismissed))
        return self.nodes[0]

    def _silent(self, node: str) -> None:
        """Ask another first; after some silences in a row, ask it no more."""
        self._silences[node] = self._silences.get(node, 0) + 1
        if self._silences[node] >= SILENCES_MAX:
            self._dismiss(node, "does not answer")
        else:
            self.nodes.remove(node)
            self.nodes.append(node)

    def _dismiss(self, node: str, reason: str) -> None:
        self.nodes.remove(node)
        self.dismissed.append(Dismissed(node, reason))
