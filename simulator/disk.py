"""What survives a crash: a disk in memory, whose log goes through the real framing.

The log is a file of bytes, cut and recognised by `node.wal`; a block is stored whole or not at
all, as by SQLite, and the signer's state is replaced whole, as by `node.files.replace_file`.
"""

import errno
from typing import Final

import msgspec

from consensus.signer import SignerState, new_state
from consensus.validators import Validator
from ledger.transactions import Transaction, TxId, tx_id
from node import wal
from node.blocks import DecidedBlock
from node.core.chain import Tip
from node.snapshots import Snapshot
from simulator.faults import Lost
from simulator.shelf import Shelf

SIGNERS: Final = (Lost.SIGNER, Lost.SIGNER_GONE)
"""What leaves store and log as they are."""


class _Backup(msgspec.Struct, frozen=True):
    """The disk as it was after a block."""

    tip: Tip
    log: bytes
    signer: SignerState | None
    pending: dict[TxId, Transaction]


class Disk:
    """One node's files."""

    def __init__(self, tip: Tip, key: bytes) -> None:
        self.blocks: list[DecidedBlock] = []
        self.tip = tip
        self.signer: SignerState | None = new_state(tip.chain_id, key)
        """None: lost."""
        self.log = wal.head(0)
        """The consensus log, byte for byte."""
        self.log_height = 0
        self.pending: dict[TxId, Transaction] = {}
        """This node's own submissions: accepted, neither decided nor expired."""
        self.archive: list[tuple[int, tuple[bytes, ...]]] = []
        """All that was ever flushed to the log, with its height: for checkers, not for the node."""
        self.writes_left: int | None = None
        """Writes until the disk is full."""
        self.validators: dict[bytes, tuple[Validator, ...]] = {}
        """By hash, as headers name them."""
        self.shelf = Shelf()
        self._founded = _Backup(tip, self.log, self.signer, {})
        self._begin(self._founded)

    def _begin(self, backup: _Backup) -> None:
        """The store begins here: at genesis, or at a snapshot that has been installed."""
        self.blocks.clear()
        self.tip = backup.tip
        self._backups = [backup]
        for known in (self.tip.last_validators, self.tip.validators, self.tip.next_validators):
            self.validators[known.hash] = known.members

    @property
    def oldest(self) -> int:
        """The lowest height whose block is here, or the next one."""
        return self.blocks[0].block.header.height if self.blocks else self.tip.height + 1

    def stored(self, start: int, count: int) -> list[DecidedBlock]:
        """Up to `count` blocks from height `start` on."""
        first = start - self.oldest
        return self.blocks[first : first + count] if first >= 0 else []

    def install(self, snapshot: Snapshot, tip: Tip) -> None:
        """The fetched snapshot takes the place of all that was stored."""
        self._spend()
        self.shelf.installed(snapshot)
        self._begin(_Backup(tip, self.log, self.signer, dict(self.pending)))

    # ---------------------------------------------------------------- writes
    def _spend(self) -> None:
        if self.writes_left is not None:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise OSError(errno.ENOSPC, "no space left on device")

    def append_log(self, height: int, records: tuple[bytes, ...]) -> None:
        """As `node.wal.ConsensusLog.append`."""
        self._spend()
        self._turn_to(height)
        self.log += wal.framed(records)
        self.archive.append((height, records))

    def tear_log(self, height: int, records: tuple[bytes, ...], torn: int, *, zeros: bool) -> None:
        """The node dies in `append_log`: `torn` bytes are written, the rest is not or is zeros."""
        self._turn_to(height)
        data = wal.framed(records)
        rest = bytes(max(0, len(data) - torn)) if zeros else b""
        self.log += data[:torn] + rest
        whole = wal.parsed(wal.head(height) + data[:torn], "a torn write").records
        self.archive.append((height, whole))

    def _turn_to(self, height: int) -> None:
        if height != self.log_height:
            self.log, self.log_height = wal.head(height), height

    def write_signer(self, state: SignerState) -> None:
        """Replace the signer's state."""
        self._spend()
        self.signer = state

    def keep(self, transactions: tuple[Transaction, ...]) -> None:
        """Keep accepted submissions."""
        self._spend()
        self.pending |= {tx_id(tx): tx for tx in transactions}

    def commit(self, decided: DecidedBlock, tip: Tip) -> None:
        """Store a decided block and the state after it."""
        self._spend()
        self.blocks.append(decided)
        self.tip = tip
        for tx in decided.block.transactions:
            self.pending.pop(tx_id(tx), None)
        for ident in [k for k, tx in self.pending.items() if tx.valid_until <= tip.height]:
            del self.pending[ident]
        self._backups.append(_Backup(tip, self.log, self.signer, dict(self.pending)))
        self.shelf.committed(decided, tip)
        self.validators[tip.next_validators.hash] = tip.next_validators.members

    def tip_at(self, height: int) -> Tip | None:
        """The tip as it was at `height`, if the store goes back so far."""
        first = self._backups[0].tip.height
        return self._backups[height - first].tip if first <= height <= self.tip.height else None

    # ---------------------------------------------------------------- a start
    def open_log(self) -> tuple[bytes, ...]:
        """The whole records of the log, whose torn tail is cut, as `ConsensusLog` does."""
        content = wal.parsed(self.log, "the simulated log")
        self.log = self.log[: content.end]
        self.log_height = content.height
        return content.records

    def lose(self, lost: Lost, blocks_back: int) -> None:
        """Lose something, or get it back from a backup that is `blocks_back` blocks old."""
        kept = max(0, len(self._backups) - 1 - blocks_back)
        backup = self._founded if lost is Lost.WIPED else self._backups[kept]
        if lost in SIGNERS:
            self.signer = backup.signer if lost is Lost.SIGNER else None
            return
        if lost is not Lost.STORE:
            self.log = backup.log if lost is Lost.BACKUP else wal.head(0)
        if lost is not Lost.LOG:
            if lost is Lost.WIPED:
                self.shelf = self.shelf.emptied()
                self._begin(backup)
            else:
                self.tip = backup.tip
                del self.blocks[kept:]
                del self._backups[kept + 1 :]
                self.shelf.back_to(backup.tip.height)
            self.pending = dict(backup.pending)
