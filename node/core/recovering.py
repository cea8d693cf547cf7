"""Recoveries that this node's operator has agreed to, and the tips that they change.

A recovery is taken part in, and followed by sync, only with the file in the node's home: that the
members have signed is not enough, or whoever held two thirds of their keys could lead nodes away.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext, suppress

from consensus.validators import Validator, ValidatorSet
from ledger import recovery as rules
from ledger.recovery import Recovery, SignedRecovery
from ledger.rejections import BadRecovery
from node.blocks import Block, LightBlock, Proposed, recovery_hash
from node.core.chain import Tip
from node.core.errors import RecoveryUnfit
from node.core.outbox import Outbox
from wire.codec import digest_of
from wire.errors import PeerFault
from wire.signing import Verified


class Recoveries:
    """By the height at which each takes effect."""

    def __init__(self, known: Iterable[Verified[SignedRecovery]], outbox: Outbox) -> None:
        """Raises `RecoveryUnfit` for two of one height."""
        self._outbox = outbox
        self._known: dict[int, SignedRecovery] = {}
        self.wanted: Recovery | None = None
        """Met in a block, signed by enough members, and not agreed to here."""
        for one in known:
            height = one.value.recovery.height
            other = self._known.setdefault(height, one.value)
            if other.recovery != one.value.recovery:
                raise RecoveryUnfit(f"there are two of height {height}: remove one")

    def applied(self, tip: Tip) -> Tip:
        """`tip`, with the validators of its recovery if one is agreed to; raises `RecoveryUnfit`.

        A chain that has gone on without it, or another one, is not what the operator agreed to.
        """
        signed = self._known.get(tip.height)
        if signed is None:
            return tip
        if signed.recovery.block_id != tip.block_id:
            raise RecoveryUnfit(
                f"height {tip.height} has block {tip.block_id.hex()[:16]}, "
                f"the recovery names {signed.recovery.block_id.hex()[:16]}"
            )
        try:
            rules.check(tip.state, signed)
        except BadRecovery as error:
            raise RecoveryUnfit(error.detail) from None
        return tip.recovered(signed)

    def meets(self, tip: Tip, block: Block | Proposed) -> bool:
        """Whether `block`, the next one, rests on a recovery that is good and not agreed to here:
        then this node stays where it is, and whoever sent the block is not at fault."""
        signed = block.recovery
        if signed is None or (tip.recovery and tip.recovery.recovery == signed.recovery):
            return False
        if signed.recovery.block_id != tip.block_id:
            return False
        try:
            rules.check(tip.state, signed)
        except BadRecovery:
            return False
        if self.wanted != signed.recovery:
            height, ident = signed.recovery.height, digest_of(signed.recovery).hex()
            self._outbox.note("recovery_needed", height=height, recovery=ident)
        self.wanted = signed.recovery
        return True

    def decided(self, block: LightBlock) -> bool:
        """Whether `block` is the first after a recovery agreed to, by the validators it names."""
        signed, header = self._known.get(block.header.height - 1), block.header
        if signed is None or header.recovery_hash == recovery_hash(None):
            return False
        named = (Validator(x.consensus_key, x.power) for x in signed.recovery.validators)
        return (
            header.last_block_id == signed.recovery.block_id
            and block.validators == ValidatorSet(named).members
        )

    def needed(self, tip: Tip) -> Recovery | None:
        """The recovery without which this node can go no further."""
        wanted = self.wanted
        return wanted if wanted is not None and wanted.height == tip.height else None

    def blocks(self, tip: Tip) -> bool:
        """Whether this node can go no further until its operator has agreed to a recovery."""
        return self.needed(tip) is not None

    def divides(self, tip: Tip) -> bool:
        """Whether correct peers may hold other validators than this node for the next height:
        some have the recovery and some have not, and neither are at fault."""
        return tip.recovery is not None or self.blocks(tip)

    def forgiveness(self, tip: Tip) -> AbstractContextManager[object]:
        """Passes over faults that are none while validators are of two minds."""
        return suppress(PeerFault) if self.divides(tip) else nullcontext()
