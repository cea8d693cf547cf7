"""Whose turn it is to propose: a weighted round robin by priority, in integers.

As in Tendermint (CometBFT spec, "Proposer selection procedure"): each turn every validator's
priority grows by its power, the highest proposes and pays the total. Before each turn priorities
are rescaled into a window of twice the total and centred on zero. Newcomers start at -1.125 of
the total, so that leaving and coming back gains nothing. Turns are proportional to power.
"""

from typing import Final

from consensus.messages import ValidatorId
from consensus.validators import ValidatorSet
from wire.codec import Record
from wire.money import Rounding, muldiv

WINDOW_TOTALS: Final = 2
"""Priorities are kept within this many times the total power of each other."""


class Turn(Record, frozen=True):
    """One validator's place in the rotation."""

    validator: ValidatorId
    power: int
    priority: int


class Rotation(Record, frozen=True):
    """The rotation at round 0 of one height: a value to persist next to the validator set."""

    turns: tuple[Turn, ...]
    """Sorted by validator."""
    proposer: ValidatorId
    """Proposer of round 0."""


def rotation_at_genesis(validators: ValidatorSet) -> Rotation:
    """The rotation of the first height: everybody is a newcomer, then one turn is taken."""
    turns = tuple(Turn(m.public_key, m.power, 0) for m in validators.members)
    return advanced(Rotation(turns, turns[0].validator))


def advanced(rotation: Rotation) -> Rotation:
    """The rotation one turn later: the next round's, or at round 0 the next height's."""
    total = sum(turn.power for turn in rotation.turns)
    moved = [
        Turn(turn.validator, turn.power, turn.priority + turn.power)
        for turn in _normalised(rotation.turns, total)
    ]
    # Ties go to the lowest key: max() keeps the first of equals and turns are sorted.
    front = max(range(len(moved)), key=lambda i: moved[i].priority)
    winner = moved[front]
    moved[front] = Turn(winner.validator, winner.power, winner.priority - total)
    return Rotation(tuple(moved), winner.validator)


def updated(rotation: Rotation, validators: ValidatorSet) -> Rotation:
    """The rotation after the set has become `validators`; then take `advanced` for the height.

    Who stays keeps its priority under its new power. A newcomer starts at -1.125 of the total
    that counts both the newcomers and those who leave, as the CometBFT spec has it.
    """
    before = {turn.validator: turn for turn in rotation.turns}
    leaving = sum(turn.power for turn in rotation.turns if turn.validator not in validators)
    base = validators.total + leaving
    newcomer = -(base + (base >> 3))
    turns = tuple(
        Turn(m.public_key, m.power, before[m.public_key].priority)
        if m.public_key in before
        else Turn(m.public_key, m.power, newcomer)
        for m in validators.members
    )
    kept = rotation.proposer if rotation.proposer in validators else turns[0].validator
    return Rotation(_normalised(turns, validators.total), kept)


def _normalised(turns: tuple[Turn, ...], total: int) -> tuple[Turn, ...]:
    """Priorities rescaled into the window (towards zero), then centred on their mean (floor)."""
    priorities = [turn.priority for turn in turns]
    window = WINDOW_TOTALS * total
    spread = max(priorities) - min(priorities)
    if spread > window:
        ratio = muldiv(spread, 1, window, Rounding.CEIL)
        priorities = [muldiv(p, 1, ratio, Rounding.TOWARD_ZERO) for p in priorities]
    mean = muldiv(sum(priorities), 1, len(priorities), Rounding.FLOOR)
    return tuple(
        Turn(turn.validator, turn.power, priority - mean)
        for turn, priority in zip(turns, priorities, strict=True)
    )


class ProposerOfRound:
    """Proposer of each round of one height; remembers what it has computed.

    The work and the memory are linear in the highest round asked for; the core bounds it.
    """

    __slots__ = ("_first", "_last", "_proposers")

    def __init__(self, rotation: Rotation, first_round: int = 0) -> None:
        """`rotation` is that of `first_round`: no earlier one is asked for."""
        self._first = first_round
        self._last = rotation
        self._proposers = [rotation.proposer]

    def __call__(self, round_: int) -> bytes:
        """Validator id of the proposer of `round_`."""
        turn = round_ - self._first
        assert turn >= 0, (round_, self._first)
        while len(self._proposers) <= turn:
            self._last = advanced(self._last)
            self._proposers.append(self._last.proposer)
        return self._proposers[turn]
