"""Whether this validator votes: only if it is known what its key has signed before.

`docs/CONSENSUS.md`, "A lost signer". Pure; told what the signer remembers and what was decided.
"""

from consensus.messages import Certificate
from consensus.signer import SAFE_HEIGHTS, SignerGone, SignerState, Signing, decided_since
from consensus.validators import ValidatorSet


class Voting:
    """From which height on the validator `me` may vote."""

    def __init__(self, me: bytes | None) -> None:
        """None only follows."""
        self.me = me
        self._gone: SignerGone | None = None
        self._since_ms = 0
        self._from_height = 1

    def votes_at(self, height: int) -> bool:
        """Whether it may vote at `height`, as far as its signer goes."""
        return self.me is not None and self._gone is None and height >= self._from_height

    @property
    def hindrance(self) -> str:
        """Why it does not vote, in words; empty if nothing hinders it."""
        if self.me is None:
            return "observes only"
        if self._gone is SignerGone.AWAY:
            return "the signer cannot be reached"
        if self._gone is SignerGone.LOST:
            return "the signer's state is lost: waits until a later block proves it safe"
        return ""

    def found(self, signing: Signing, now_ms: int) -> None:
        """The signer was asked at the start, or has come back, with or without its state."""
        if isinstance(signing, SignerState):
            self._gone = None
            # Caught up from an old store, it comes to heights it has signed for before: the log,
            # which is of the height under way, does not know what it promised there.
            signed = 0 if signing.last is None else signing.last.height
            self._from_height = max(signing.from_height, signed + 1)
            return
        self._gone = signing
        self._since_ms = now_ms

    def decided(self, commit: Certificate, validators: ValidatorSet) -> int | None:
        """A block was decided by `validators`. The height from which on the signer may sign now,
        if its state was lost and this block proves it safe."""
        if self._gone is not SignerGone.LOST or self.me is None:
            return None
        if not decided_since(commit, validators, self._since_ms):
            return None
        self._gone = None
        self._from_height = commit.height + SAFE_HEIGHTS
        return self._from_height
