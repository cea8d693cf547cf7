"""From the genesis to a header far ahead: the one place where a node believes a header whose
blocks it has not executed."""

from collections.abc import Callable
from typing import Final

from node.blocks import Header, LightBlock, recovery_hash
from node.core.errors import UntrustedHeader
from node.light.errors import WrongRoot
from node.light.root import GenesisRoot, NamedHeader, check_root
from node.light.verify import Answer, Options, trusted, verdict_alone, verify


def on_trail(header: Header) -> bool:
    """Whether its light block is kept for ever: other validators decide after it, or have decided
    it itself by a recovery."""
    if header.height == 1 or header.recovery_hash != recovery_hash(None):
        return True
    return header.validators_hash != header.next_validators_hash


class Trust:
    """The way from genesis, block 1 first; every step verified by the light client's rule."""

    def __init__(
        self,
        root: GenesisRoot,
        how: Options,
        agreed: Callable[[LightBlock], bool],
        checkpoint: NamedHeader | None = None,
    ) -> None:
        """`agreed`: whether a block rests on a recovery that is agreed to, so that no header
        before it has to lead to it. `checkpoint`: a header that the way must not contradict."""
        self._checkpoint: Final = checkpoint
        self._agreed: Final = agreed
        self._root: Final = root
        self._how: Final = how
        self.trail: list[LightBlock] = []
        """The verified light blocks, lowest first."""

    def step(self, block: LightBlock, now_ms: int) -> bool:
        """Trust `block` if the last one, or at first the genesis, leads to it; False if only a
        smaller step would. Raises `UntrustedHeader`."""
        height = block.header.height
        if self._checkpoint is not None and self._checkpoint.contradicts(block.header):
            raise UntrustedHeader(f"height {height}: not the header that the operator trusts")
        if not self.trail:
            try:
                check_root(self._root, block)
            except WrongRoot as wrong:
                raise UntrustedHeader(wrong.detail) from None
        else:
            if self._agreed(block):
                verdict = verdict_alone(self._root.chain_id, block)
            else:
                verdict = verify(trusted(self.trail[-1]), block, now_ms, self._how)
            if verdict.answer is Answer.NOT_ENOUGH_TRUST:
                return False
            if verdict.answer is Answer.INVALID:
                raise UntrustedHeader(f"height {height}: {verdict.reason}")
        self.trail.append(block)
        return True

    def has(self, height: int) -> bool:
        """Whether the way leads over the block of `height`."""
        return any(block.header.height == height for block in self.trail)
