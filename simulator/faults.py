"""The fault model: `Options` says what may go wrong, a plan of `Fault`s what does, and when.

A plan is an explicit list, so that a failing one can be printed, replayed and made smaller. Nodes
are named by their number in the network: members first, then observers.
"""

from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import msgspec

FOREVER: Final = 1 << 40
"""The end of what does not end, milliseconds from the beginning of the run."""


class Options(msgspec.Struct, frozen=True):
    """Everything that may go wrong, in one place; all chance comes from `seed`."""

    seed: int
    nodes_min: int = 4
    nodes_max: int = 10
    observers_max: int = 1
    heights_min: int = 20
    """A run goes on until every node has reached this height."""
    delay_ms_min: int = 1
    delay_ms_max: int = 20
    loss_permille: int = 0
    duplicate_permille: int = 0
    block_interval_ms: int = 50
    empty_block_ms: int = 1_000
    faults_max: int = 14
    """Timed faults of a run."""
    fault_ms: int = 14_000
    """They begin and end within this; afterwards the network behaves."""
    settle_ms_max: int = 90_000
    """So long a network that behaves may take to decide everything that was accepted."""
    byzantine: bool = True
    """Whether validators may lie; together, and with wrong clocks, below a third of the power."""
    above_third: bool = False
    """Liars have more than a third of the power: disagreement is to be found."""


class Trick(StrEnum):
    """What a Byzantine validator does."""

    EQUIVOCATE = "equivocate"
    """Tells one half of its peers one thing, the other half another, at one place."""
    WITHHOLD = "withhold"
    """Leaves some peers without its messages."""
    LATE = "late"
    """Sends its messages when it pleases."""
    INVALID = "invalid"
    """Proposes blocks that the ledger refuses."""
    FALSE_POLKA = "false polka"
    """Proposes its blocks as if they had had a quorum of prevotes before."""
    WRONG_DIGEST = "wrong digest"
    """Names bundles that are not those of its block."""
    AMNESIA = "amnesia"
    """Forgets its lock and its valid value."""
    EAGER = "eager"
    """Votes at once for every block proposed, in both steps, in whatever order."""
    AHEAD = "ahead"
    """Votes in many later rounds, several times."""
    SYNC_LIAR = "sync liar"
    """Claims heights it does not have, and sends blocks with commits that are none."""
    FALSE_TIME = "false time"
    """Signs precommits with a time far from any clock."""
    TWIN = "twin"
    """Runs twice with one key, each copy with some of the peers."""


class _Timed(msgspec.Struct, frozen=True, tag=True):
    """A fault from `at_ms` until `until_ms`, milliseconds from the beginning of the run."""

    at_ms: int
    until_ms: int


class Loss(_Timed, frozen=True):
    """Messages are lost."""

    permille: int


class Duplication(_Timed, frozen=True):
    """Messages arrive twice."""

    permille: int


class Reordering(_Timed, frozen=True):
    """Messages are held back and overtaken by those sent up to `by_ms` later."""

    permille: int
    by_ms: int


class Delay(_Timed, frozen=True):
    """Every message takes up to `ms_max`."""

    ms_max: int


class Partition(_Timed, frozen=True):
    """`side` and the others cannot talk; both sides notice."""

    side: tuple[int, ...]


class OneWay(_Timed, frozen=True):
    """Nothing from `source` reaches `target`; nobody notices."""

    source: int
    target: int


class Silence(_Timed, frozen=True):
    """Messages of one type do not reach `target`, whoever sends them."""

    message: str
    target: int


class LoneDecision(_Timed, frozen=True):
    """A network that works against the lock: at the next height one validator alone sees the
    commit and is cut off; who proposes after it has not seen the block.

    `later`: so many rounds pass before that one proposes. `struck` crashes once it is locked, and
    may lose its log with that.
    """

    later: int
    struck: int | None
    log_lost: bool


class LatePolka(_Timed, frozen=True):
    """At the next height the proposer of round 1 hears of a quorum of prevotes only after it has
    precommitted nil, and nobody hears of a commit in round 0."""


class SlowNode(_Timed, frozen=True):
    """A node takes `ms` for each input."""

    node: int
    ms: int


class WrongClock(_Timed, frozen=True):
    """A node's clock is off by `skew_ms` and drifts; it steps when this begins and ends."""

    node: int
    skew_ms: int
    drift_ppm: int


class Crash(_Timed, frozen=True):
    """A node is killed, and started again at the end."""

    node: int


class CrashAtEffect(_Timed, frozen=True):
    """A node dies before the effect after so many; with `torn`, in its next write of the log, of
    which so many bytes remain.

    `zeros`: the file has its new length, but zeros stand where the rest of the write would.
    """

    node: int
    effects: int
    torn: int
    zeros: bool


class Outage(_Timed, frozen=True):
    """All nodes lose power at once."""


class DiskFull(_Timed, frozen=True):
    """A node's writes fail after so many; the node stops, and is started at the end."""

    node: int
    writes: int


class Lost(StrEnum):
    """What of a node's disk is not what it was when the node starts again."""

    LOG = "log"
    """The consensus log is gone; store and signer state are there."""
    BACKUP = "backup"
    """Store and log are from an old backup; the signer state is there."""
    STORE = "store"
    """The store is from an old backup; log and signer state are there."""
    WIPED = "wiped"
    """Store and log are gone; keys and signer state are there."""
    SIGNER = "signer"
    """The signer's state is from an old backup; store and log are there."""
    SIGNER_GONE = "signer gone"
    """The signer's state is gone; store and log are there."""


class Restored(_Timed, frozen=True):
    """A node is stopped, and starts again with something lost."""

    node: int
    lost: Lost


class LateJoin(_Timed, frozen=True):
    """A node is started for the first time at the end."""

    node: int


class PowerChange(_Timed, frozen=True):
    """The members vote a validator another power, 0 to leave, and in the end its old one again."""

    node: int
    power: int


class Byzantine(_Timed, frozen=True):
    """A validator lies, for the whole run."""

    node: int
    tricks: tuple[Trick, ...]


Fault: TypeAlias = (
    Loss
    | Duplication
    | Reordering
    | Delay
    | Partition
    | OneWay
    | Silence
    | LoneDecision
    | LatePolka
    | SlowNode
    | WrongClock
    | Crash
    | CrashAtEffect
    | Outage
    | DiskFull
    | Restored
    | LateJoin
    | PowerChange
    | Byzantine
)


class Plan(msgspec.Struct, frozen=True):
    """A network and what goes wrong in it."""

    powers: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
    """Of the members, in their order."""
    observers: int
    faults: tuple[Fault, ...]

    @property
    def liars(self) -> tuple[int, ...]:
        """The Byzantine members."""
        return tuple(fault.node for fault in self.faults if isinstance(fault, Byzantine))


def robbed_by(fault: Fault) -> int | None:
    """The node that loses a part of its disk, if one does."""
    match fault:
        case Restored(node=node):
            return node
        case LoneDecision(struck=node, log_lost=True):
            return node
        case _:
            return None


def kind_of(fault: Fault) -> str:
    """What the figures call it; a Byzantine node and a lost disk say more."""
    name = type(fault).__name__
    if isinstance(fault, Restored):
        return f"{name} {fault.lost}"
    return name


def described(fault: Fault) -> str:
    """One line for people."""
    fields = {
        name: value
        for name in fault.__struct_fields__[2:]
        if (value := getattr(fault, name)) is not None
    }
    end = "the end" if fault.until_ms >= FOREVER else f"{fault.until_ms} ms"
    said = ", ".join(f"{name} {_plain(value)}" for name, value in fields.items())
    return f"{type(fault).__name__} from {fault.at_ms} ms to {end}" + (f": {said}" if said else "")


def _plain(value: object) -> str:
    return " ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)
