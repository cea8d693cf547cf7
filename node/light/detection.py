"""Comparing a verified header with a witness, and finding where two verified chains part.

CometBFT light client specification, "detection" (LCD-FUNC-*). Two headers of one height that both
verify from one trusted header are an attack by validators: more than a third of some set signed
what they must not. Both sides are kept: which one the network is on, its nodes know.
"""

import msgspec

from consensus.messages import votes_of
from node.blocks import EvidencePiece, ForgedHeader, LightBlock, accusation, block_id
from node.light.asking import LATEST, Asking, Silent, ask, climb
from node.light.attribution import Attack, attribute, kind_of
from node.light.errors import Lied
from node.light.verify import Options


class Fork(msgspec.Struct, frozen=True):
    """Two light blocks, both verified from `common`, that cannot both be of one chain."""

    common: LightBlock
    """The highest block found on both sides."""
    node: str
    ours: LightBlock
    """As `node`, the primary, has it."""
    witness: str
    theirs: LightBlock
    """As `witness` has it: of the same height; or lower, but not earlier (a *forward lunatic*)."""

    @property
    def attack(self) -> Attack:
        """Its kind, which is the same seen from both sides."""
        if self.ours.header.height != self.theirs.header.height:
            return Attack.LUNATIC
        return kind_of(self.ours, self.theirs.header, self.theirs.commit)

    def against_ours(self) -> tuple[EvidencePiece, ...]:
        """Evidence for a network that has `theirs`: against signers that it knows."""
        if self.ours.header.height == self.theirs.header.height:
            found = attribute(self.ours, self.theirs.header, self.theirs.commit)
        else:  # judged once the network has reached that height
            votes = votes_of(self.ours.commit)
            found = tuple(ForgedHeader(self.ours.header, vote) for vote in votes)
        return self._of_known(found)

    def against_theirs(self) -> tuple[EvidencePiece, ...]:
        """Evidence for a network that has `ours`."""
        if self.ours.header.height != self.theirs.header.height:
            return ()  # nothing of that height contradicts it yet
        return self._of_known(attribute(self.theirs, self.ours.header, self.ours.commit))

    def _of_known(self, found: tuple[EvidencePiece, ...]) -> tuple[EvidencePiece, ...]:
        """A forger can make up keys; only those of the common block's validators are somebody."""
        common = (*self.common.validators, *self.common.next_validators)
        known = {member.public_key for member in common}
        return tuple(one for one in found if accusation(one).consensus_key in known)


def compare(
    node: str, witness: str, start: LightBlock, target: LightBlock, now_ms: int, how: Options
) -> Asking[Fork | None]:
    """Whether `witness` has the block `target` too, which `node` has led to from `start`.

    None: it has. Raises `Silent` if it has none of that height and no later time either, `Lied`
    if it has another that does not verify from `start`.
    """
    try:
        other, now_ms = yield from ask(witness, target.header.height)
    except Silent:
        other, now_ms = yield from ask(witness, LATEST)
        behind = other.header.height < target.header.height
        if behind and other.header.time_ms < target.header.time_ms:
            raise  # it lags; that is no contradiction
        if not behind:
            other, now_ms = yield from ask(witness, target.header.height)
    if block_id(other.header) == block_id(target.header):
        return None
    if other.header.height <= start.header.height:
        raise Lied(f"{witness} has no block after {start.header.height}, yet a later time")
    yield from climb(witness, start, other, now_ms, how, skip=True)
    if other.header.height < target.header.height:
        return Fork(start, node, target, witness, other)
    return (yield from _parting(Fork(start, node, target, witness, other), how))


def _parting(fork: Fork, how: Options) -> Asking[Fork]:
    """`fork`, narrowed by bisection to the first height at which the sides differ.

    Ends early if a side has no chain below its block: then the block was made up.
    """
    while fork.ours.header.height - fork.common.header.height > 1:
        middle = (fork.ours.header.height + fork.common.header.height) // 2
        try:
            ours = yield from _at(fork.node, fork.common, middle, how)
            theirs = yield from _at(fork.witness, fork.common, middle, how)
        except (Silent, Lied):
            return fork
        if block_id(ours.header) == block_id(theirs.header):
            fork = msgspec.structs.replace(fork, common=ours)
        else:
            fork = msgspec.structs.replace(fork, ours=ours, theirs=theirs)
    return fork


def _at(node: str, start: LightBlock, height: int, how: Options) -> Asking[LightBlock]:
    """The block of `height` as `node` has it, verified from `start`."""
    block, now_ms = yield from ask(node, height)
    yield from climb(node, start, block, now_ms, how, skip=True)
    return block
