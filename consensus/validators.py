"""Who votes and with how much power; what a quorum is; the time a commit stands for."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec

from consensus.errors import BadValidatorSet
from consensus.messages import Certificate, ValidatorId
from wire.codec import Digest, Record, digest_of
from wire.limits import POWER_TOTAL_MAX, VALIDATORS_MAX


class Validator(Record, frozen=True):
    """A consensus key and its voting power."""

    public_key: ValidatorId
    power: Annotated[int, msgspec.Meta(ge=1, le=POWER_TOTAL_MAX)]


class ValidatorSet:
    """The validators of one height, sorted by key. Immutable; equal sets have equal hashes."""

    __slots__ = ("hash", "members", "powers", "total")

    members: Final[tuple[Validator, ...]]
    powers: Final[Mapping[bytes, int]]
    total: Final[int]
    hash: Final[Digest]

    def __init__(self, members: Iterable[Validator]) -> None:
        """Raises `BadValidatorSet`."""
        self.members = tuple(sorted(members, key=lambda member: member.public_key))
        self.powers = MappingProxyType({m.public_key: m.power for m in self.members})
        self.total = sum(member.power for member in self.members)
        if not 1 <= len(self.members) <= VALIDATORS_MAX:
            raise BadValidatorSet(f"has {len(self.members)} members, 1 to {VALIDATORS_MAX} allowed")
        if len(self.powers) != len(self.members):
            raise BadValidatorSet("has a key twice")
        if min(self.powers.values()) < 1 or self.total > POWER_TOTAL_MAX:
            raise BadValidatorSet(f"a power below 1, or a total of {self.total} too large")
        self.hash = digest_of(self.members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ValidatorSet) and self.members == other.members

    def __hash__(self) -> int:
        return hash(self.hash)

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, validator: object) -> bool:
        return validator in self.powers

    def is_quorum(self, power: int) -> bool:
        """More than two thirds: the paper's 2f+1."""
        return 3 * power > 2 * self.total

    def is_third(self, power: int) -> bool:
        """More than one third: the paper's f+1, at least one correct validator among them."""
        return 3 * power > self.total


def median_time_ms(commit: Certificate, validators: ValidatorSet) -> int:
    """The power-weighted median time of the votes in `commit`, the lower one of two.

    A commit holds precommits for its block only, so nil and absent ones do not count. With less
    than a third of the power faulty, faulty votes are less than half of any commit: the median
    lies between the clocks of two correct validators.
    """
    weighted = sorted((e.time_ms, validators.powers[e.validator]) for e in commit.signatures)
    whole = sum(power for _, power in weighted)
    reached = 0
    for time_ms, power in weighted:
        reached += power
        if 2 * reached >= whole:
            return time_ms
    raise AssertionError("a commit has at least one vote")
