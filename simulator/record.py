"""What is left of a run, and all that checkers see: disks, the outside view, who was correct."""

import msgspec

from consensus.validators import ValidatorSet
from ledger.apply import apply_block, check_transaction
from ledger.transactions import Transaction
from node.blocks import DecidedBlock, block_id, check_parts
from node.core.building import fitting
from node.core.chain import Tip
from simulator.disk import Disk
from simulator.faults import Plan
from simulator.journal import Journal
from wire.errors import CodedError, Rejection


def is_owed(tip: Tip, tx: Transaction) -> bool:
    """Whether an accepted and undecided `tx` could still be decided after `tip`: one that the
    ledger refuses by now waits for its expiry."""
    try:
        check_transaction(tip.state, tx, tip.height + 1)
    except Rejection:
        return False
    return True


class Violation(msgspec.Struct, frozen=True):
    """Something that must never be true, and is."""

    checker: str
    detail: str


class RunRecord(msgspec.Struct, frozen=True):
    """One run, as it can be judged afterwards."""

    genesis: Tip
    plan: Plan
    journal: Journal
    disks: dict[str, Disk]
    correct: tuple[str, ...]
    """Nodes that are not Byzantine."""
    keys: dict[bytes, str]
    """Correct nodes by their consensus key."""
    robbed: tuple[str, ...]
    """Correct nodes that have lost something of their disk."""
    wrong_clocks: tuple[str, ...]
    """Correct nodes whose clock is far off for the whole run."""

    def chain(self) -> dict[int, DecidedBlock]:
        """The block of each height, as the first correct node stored it."""
        found: dict[int, DecidedBlock] = {}
        for decision in self.journal.decisions:
            if decision.node in self.correct:
                found.setdefault(decision.decided.block.header.height, decision.decided)
        return found


class Replay:
    """The chain applied again to a fresh ledger, apart from the nodes that decided it."""

    def __init__(self, record: RunRecord) -> None:
        tip = record.genesis
        self.tips = [tip]
        """The tip after each height; it ends before the first block that does not follow."""
        self.refused: str | None = None
        chain = record.chain()
        for height in range(1, len(chain) + 1):
            decided = chain.get(height)
            if decided is None:
                self.refused = f"height {height} was never stored, a later one was"
                return
            try:
                check_parts(decided.block)
                if decided.block.recovery is not None:
                    tip = self.tips[-1] = tip.recovered(decided.block.recovery)
                applied = apply_block(tip.state, fitting(tip, decided.block))
            except (CodedError, AssertionError) as error:
                self.refused = f"height {height}: {error}"
                return
            tip = tip.extended(decided.block, decided.commit, applied)
            self.tips.append(tip)

    def validators(self, height: int) -> ValidatorSet:
        """Who decides `height`; beyond the end, who would."""
        return self.tips[min(height, len(self.tips)) - 1].validators


def ident_of(decided: DecidedBlock) -> bytes:
    """The block's id."""
    return block_id(decided.block.header)
