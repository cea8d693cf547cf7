"""The past of a ledger, by doing it again: a home's blocks applied anew, one after the other.

A state is kept for the last block only; what was so before follows from the blocks. The replay
begins at genesis, or at the oldest snapshot if older blocks are pruned.
"""

from collections.abc import Callable, Iterator

import msgspec

from ledger.apply import Applied, Block, apply_block
from ledger.genesis import genesis_state
from ledger.state import State
from node.audit.anchors import first_tip, oldest
from node.audit.findings import Findings
from node.audit.source import Source, blob
from node.blocks import DecidedBlock, decode_decided, ledger_block
from node.home import Home
from node.storage.errors import StoreDamaged
from wire.errors import CodedError, EnvironmentFault


class NotInHistory(EnvironmentFault):
    """The home's blocks do not reach back, or not up, to the height asked for."""

    code = "HISTORY_OUT_OF_REACH"
    remedy = "Ask for a height in the range of the message, or a node that keeps every block."


class Step(msgspec.Struct, frozen=True):
    """One block done again."""

    height: int
    before: State
    decided: DecidedBlock
    block: Block
    applied: Applied


def nothing_begun(_state: State, _height: int) -> None:
    """Nobody asks with what the replay begins."""


def steps(
    home: Home, *, whole: bool = False, begun: Callable[[State, int], None] = nothing_begun
) -> Iterator[Step]:
    """Every block that the home keeps, applied anew; the node may run meanwhile.

    `whole`: from block 1 on, or not at all. `begun` is told the state, and its height, that the
    first of them is applied to. Raises `NotInHistory`, `StoreDamaged` where a block
    cannot be read or does not lead to the root that the next header names, `StoreMissing`.
    """
    with Source(home.store) as source:
        state, height = beginning(home, source)
        if whole and height:
            raise NotInHistory(f"blocks are kept from height {height + 1} on, 1 is needed")
        begun(state, height)
        query = "SELECT height, decided FROM blocks WHERE height>? ORDER BY height"
        for number, raw in source.rows(query, height):
            if number != height + 1:
                raise StoreDamaged(f"block {number} does not follow height {height}")
            step = done_again(state, number, blob(raw))
            yield step
            state, height = step.applied.state, number


def done_again(state: State, height: int, raw: bytes) -> Step:
    """Block `height`, as it is stored, applied to the state before it; raises `StoreDamaged` if it
    cannot be read or is not of that state."""
    try:
        decided = decode_decided(raw)
        header = decided.block.header
        if header.height != height or header.state_root != state.root:
            raise StoreDamaged(f"it does not follow height {height - 1}")
        posed = ledger_block(decided.block)
        return Step(height, state, decided, posed, apply_block(state, posed))
    except CodedError as error:
        raise StoreDamaged(f"block {height}: {error}") from None


def state_at(home: Home, height: int) -> State:
    """The state after block `height`; raises `NotInHistory`, `StoreDamaged`."""
    with Source(home.store) as source:
        state, first = beginning(home, source)
    if height == first:
        return state
    last = first
    for step in steps(home):
        last = step.height
        if last == height:
            return step.applied.state
    raise NotInHistory(f"height {height}, kept are {first} to {last}")


def beginning(home: Home, source: Source) -> tuple[State, int]:
    """The first state that the home's blocks can be applied to, and its height: of the genesis, or
    of the oldest snapshot; raises `StoreDamaged`."""
    genesis, findings = home.genesis(), Findings()
    since = oldest(source, findings)
    if since == 1:
        return genesis_state(genesis), 0
    tip = first_tip(source, genesis, since, findings)
    if tip is None:
        raise StoreDamaged("; ".join(findings.lines()) or "no snapshot to begin at")
    return tip.state, tip.height
