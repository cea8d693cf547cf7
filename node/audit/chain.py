"""The chain of an audit: every block checked and applied anew, from genesis to the last.

While the replay stands, a block is judged by the rule that validators use, and what it did is
compared with what is stored. Once damage has made the state unknown (`lost`), later blocks are
still checked for what they show by themselves: hashes, links, commits, signatures, roots.
"""

from collections.abc import Callable, Iterator
from typing import Final

from consensus.errors import BadCertificate
from consensus.messages import Certificate
from consensus.validators import ValidatorSet
from consensus.verification import require_signature, verify_commit
from ledger import recovery
from ledger.apply import Applied, apply_block
from ledger.transactions import tx_id, verified
from node.audit.anchors import oldest, validator_sets
from node.audit.findings import Findings
from node.audit.source import Row, Source, blob
from node.blocks import (
    Block,
    BlockMismatch,
    DecidedBlock,
    block_id,
    check_parts,
    ledger_block,
    signed_in,
)
from node.core.building import check_successor
from node.core.chain import Tip
from wire.codec import decode, encode
from wire.errors import CodedError, PeerFault, Rejection
from wire.limits import BLOCK_BYTES_MAX
from wire.merkle import root

PROGRESS_BLOCKS: Final = 25
"""So often progress is told."""

Progress = Callable[[int, int], None]
"""Called with the height reached and the last height."""


class Chain:
    """The replay as it goes on. `tip` is where it stands, or stood before it was `lost`."""

    def __init__(self, tip: Tip | None, genesis: Tip, source: Source, findings: Findings) -> None:
        """`tip`: where the replay begins, perhaps in the midst of the blocks; None: nowhere."""
        self.height = oldest(source, findings) - 1
        """Of the last block read."""
        self.since = self.height if tip is None else tip.height
        """Of the block that the replay begins after."""
        self.tip = tip or genesis
        self.lost = tip is None or tip.height != self.height
        self._begins = tip
        self.last_id: bytes | None = None if self.lost else self.tip.block_id
        """Of the last block read; None if it could not be."""
        self.before_root = b""
        """State root before that block, by its header."""
        self.written: dict[bytes, int] = {}
        """The height at which each state row was last changed."""
        self._source = source
        self._findings = findings
        self._sets = {**validator_sets(source), self.tip.validators.hash: self.tip.validators}
        self._commit: Certificate | None = None
        """Of the last block read, if its signatures are good."""
        self._commit_by: ValidatorSet | None = self.tip.last_validators
        self._roots: tuple[bytes, bytes] | None = None
        """Of the stored receipts and results of the last block, if replay has not judged them."""
        self._damaged = False
        """Whether the last block had a finding."""

    def replay(self, progress: Progress) -> None:
        """Read every block."""
        last = self._source.scalar("SELECT max(height) FROM blocks") or 0
        for row in self._source.rows("SELECT height, id, decided FROM blocks ORDER BY height"):
            self._row(row)
            if self.height % PROGRESS_BLOCKS == 0 or self.height == last:
                progress(self.height, last)
        self._outside()

    # ---------------------------------------------------------------- one block
    def _row(self, row: Row) -> None:
        height, ident, raw = row
        if height != self.height + 1:
            self._findings.add(self.height + 1, f"blocks are missing up to height {height - 1}")
            self._lose()
            self.last_id = self._commit = self._roots = None
        before = self._findings.count
        self.height = height
        try:
            decided = decode(blob(raw), DecidedBlock, BLOCK_BYTES_MAX)
        except CodedError as error:
            self._findings.add(height, f"the block cannot be read: {error}")
            self._lose()
            self._stored_records(None)
            self.last_id = self._commit = None
        else:
            self._block(decided, blob(ident))
        self._damaged = self._findings.count > before
        if self._begins is not None and self.height == self._begins.height:
            self._begin(self._begins)

    def _begin(self, tip: Tip) -> None:
        """The blocks have come to where the oldest snapshot was taken: replay from here."""
        if self.last_id is not None and self.last_id != tip.block_id:
            self._found("the snapshot is of another block")
            return
        self.tip, self.lost = tip, False
        self.last_id, self._commit_by = tip.block_id, tip.last_validators

    def _block(self, decided: DecidedBlock, recorded: bytes) -> None:
        block, header = decided.block, decided.block.header
        ident = block_id(header)
        if header.height != self.height:
            self._findings.add(self.height, f"the block says it is number {header.height}")
        if ident != recorded:
            self._found(f"the block's id is {_hex(ident)}, recorded is {_hex(recorded)}")
        if self.last_id is not None and header.last_block_id != self.last_id:
            if not self._damaged:
                self._found("does not follow the block before")
            self._lose()
        self._roots_named(block)
        self._recovered(block)
        self._parts(block)
        self._signatures(block)
        voters = self._voters(header.validators_hash)
        good = self._commit_is_good("the commit", decided.commit, voters, ident)
        if not self.lost:
            self._successor(block)
        self._apply(decided)
        self.last_id, self._commit_by = ident, voters
        self.before_root = header.state_root
        self._commit = decided.commit if good else None

    def _parts(self, block: Block) -> None:
        try:
            check_parts(block)
        except (BlockMismatch, CodedError) as error:
            self._found(f"the block: {error}")

    def _roots_named(self, block: Block) -> None:
        """Without a replay, the header still says what the receipts and results before it were."""
        if self._roots is None:
            return
        header = block.header
        named = {
            "receipts": (self._roots[0], header.receipts_root),
            "round results": (self._roots[1], header.results_root),
        }
        for what, (found, wanted) in named.items():
            if found != wanted:
                self._findings.add(
                    header.height - 1,
                    f"stored {what} have root {_hex(found)}, "
                    f"the header of height {header.height} says {_hex(wanted)}",
                )

    def _signatures(self, block: Block) -> None:
        for position, tx in enumerate(block.transactions):
            try:
                verified(tx)
            except PeerFault as error:
                self._found(f"transaction {position} ({_hex(tx_id(tx))}): {error}")
        for position, evidence in enumerate(block.evidence):
            try:
                for message in signed_in(evidence):
                    require_signature(block.header.chain_id, message)
            except PeerFault as error:
                self._found(f"evidence {position}: {error}")
        if block.last_commit is not None and block.last_commit != self._commit:
            self._commit_is_good(
                "the commit of the parent", block.last_commit, self._commit_by, self.last_id
            )

    def _recovered(self, block: Block) -> None:
        """Other validators than the parent named decide this block, if enough members signed so."""
        if block.recovery is None:
            return
        try:
            recovery.verified(block.recovery)
            if not self.lost:
                recovery.check(self.tip.state, block.recovery)
        except CodedError as error:
            self._found(f"the recovery: {error}")
            return
        tip = self.tip.recovered(block.recovery)
        self._sets[tip.validators.hash] = tip.validators
        if not self.lost:
            self.tip = tip

    def _commit_is_good(
        self, name: str, commit: Certificate, voters: ValidatorSet | None, ident: bytes | None
    ) -> bool:
        if voters is None or ident is None:
            return False  # who had to sign what was damaged: a finding says so already
        height = self.height if name == "the commit" else self.height - 1
        try:
            verify_commit(self.tip.chain_id, commit, voters, height, ident)
        except (BadCertificate, PeerFault) as error:
            self._found(f"{name}: {error}")
            return False
        return True

    def _voters(self, validators_hash: bytes) -> ValidatorSet | None:
        return self._sets.get(validators_hash) if self.lost else self.tip.validators

    def _successor(self, block: Block) -> None:
        """The rule that validators use: roots after the parent, times, commit, certificates."""
        try:
            check_successor(self.tip, block)
        except (Rejection, PeerFault) as error:
            if self._damaged:
                self._lose()  # the damage of the block before explains it
            else:
                self._found(f"the block: {error}")

    # ---------------------------------------------------------------- what a block did
    def _apply(self, decided: DecidedBlock) -> None:
        block = decided.block
        if self.lost:
            self._stored_records(block)
            return
        try:
            posed = ledger_block(block)
            applied = apply_block(self.tip.state, posed)
            tip = self.tip.extended(block, decided.commit, applied)
        except (CodedError, AssertionError, LookupError, ValueError, TypeError) as error:
            self._found(f"the block cannot be applied: {error!r}")
            self._lose()
            self._stored_records(block)
            return
        self._compare(applied)
        self.tip, self._roots = tip, None
        self._sets[tip.next_validators.hash] = tip.next_validators
        for key, _ in applied.changes:
            self.written[key] = self.height

    def _compare(self, applied: Applied) -> None:
        receipts = [(n, x.tx_id, encode(x)) for n, x in enumerate(applied.receipts)]
        self._compare_rows("receipt", self._receipts(), receipts)
        results = [(n, encode(x)) for n, x in enumerate(applied.results)]
        self._compare_rows("round result", self._results(), results)
        events = [(encode(x),) for x in applied.events]
        self._compare_rows("event", self._events(), events)

    def _compare_rows(self, name: str, stored: list[Row], replayed: list[Row]) -> None:
        for n, wanted in enumerate(replayed):
            if n >= len(stored):
                self._found(f"{name} {n} is missing")
            elif stored[n] != wanted:
                self._found(f"{name} {n} is not what replay gives")
        for n in range(len(replayed), len(stored)):
            self._found(f"{name} {n} belongs to nothing in the block")

    def _stored_records(self, block: Block | None) -> None:
        """Keep the roots of what is stored, for the next header to judge."""
        receipts, results = self._receipts(), self._results()
        self._roots = (
            root([blob(row[-1]) for row in receipts]),
            root([blob(row[-1]) for row in results]),
        )
        if block is not None and [row[1] for row in receipts] != [
            tx_id(tx) for tx in block.transactions
        ]:
            self._found("the receipts are not those of the block's transactions")
        for name, rows in (("receipts", receipts), ("round results", results)):
            if [row[0] for row in rows] != list(range(len(rows))):
                self._found(f"the {name} are not numbered in sequence")

    def _receipts(self) -> list[Row]:
        query = "SELECT position, tx_id, receipt FROM receipts WHERE height=? ORDER BY position"
        return list(self._source.rows(query, self.height))

    def _results(self) -> list[Row]:
        query = "SELECT position, result FROM results WHERE height=? ORDER BY position"
        return list(self._source.rows(query, self.height))

    def _events(self) -> list[Row]:
        query = "SELECT event FROM events WHERE height=? ORDER BY sequence"
        return list(self._source.rows(query, self.height))

    def _outside(self) -> None:
        """Records of heights that have no block."""
        for name in ("receipts", "results", "events"):
            for height, count in self._strays(name):
                at = height if isinstance(height, int) else None
                self._findings.add(at, f"{count} {name} of a height without a block")

    def _strays(self, name: str) -> Iterator[Row]:
        return self._source.rows(
            f"SELECT height, count(*) FROM {name} "
            "WHERE height NOT IN (SELECT height FROM blocks) GROUP BY height"
        )

    def _found(self, what: str) -> None:
        self._findings.add(self.height, what)

    def _lose(self) -> None:
        self.lost = True


def _hex(value: bytes) -> str:
    return value.hex()[:16] or "nothing"
