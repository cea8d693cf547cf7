"""Where an audit begins, and the snapshots and the trail of light blocks that the store holds.

A store that has all blocks is replayed from the genesis. One that is pruned, or began with a
peer's snapshot, is replayed from its oldest snapshot on; the blocks before that are checked for
what they show by themselves.
"""

from consensus.errors import BadValidatorSet
from consensus.validators import Validator, ValidatorSet
from consensus.verification import require_signatures
from ledger.genesis import Genesis, genesis_hash
from node.audit.findings import Findings
from node.audit.source import Source, blob
from node.blocks import DecidedBlock, LightBlock, recovery_hash
from node.core.chain import Tip
from node.core.snapshot import tip_of
from node.core.trust import Trust
from node.light.root import GenesisRoot
from node.light.verify import Options
from node.snapshots import BadSnapshot, Snapshot, check_snapshot
from node.storage.light import LIGHT_BLOCK_BYTES_MAX, VALIDATORS_BYTES_MAX
from node.storage.snapshots import CHUNK_BYTES_READ_MAX, WHOLE, state_of
from node.storage.store import SNAPSHOT_BYTES_MAX, oldest_of
from wire.codec import decode
from wire.errors import BadSignature, CodedError
from wire.limits import BLOCK_BYTES_MAX, TIME_MS_MAX
from wire.statechunks import Chunk, check_chunk, outline_root, starts
from wire.statetree import EMPTY


def oldest(source: Source, findings: Findings) -> int:
    """The lowest height that the store says it keeps."""
    raw = source.scalar("SELECT value FROM meta WHERE key='oldest'")
    try:
        return oldest_of(None if raw is None else blob(raw))
    except CodedError as error:
        findings.add(None, f"the record of the oldest height cannot be read: {error}")
        return 1


def first_tip(source: Source, genesis: Genesis, from_height: int, findings: Findings) -> Tip | None:
    """The tip to begin at: of the genesis, or of the oldest sound snapshot; None without one."""
    if from_height == 1:
        return Tip.at_genesis(genesis)
    for height in _heights(source):
        snapshot = _snapshot(source, height, Findings())
        if height < from_height - 1 or snapshot is None:
            continue
        try:
            state = state_of([blob(raw) for raw in _chunks(source, height)])
        except CodedError:
            continue  # a finding says so
        if state.root == outline_root(snapshot.outline):
            return tip_of(snapshot, state)
    findings.add(from_height, "there is no sound snapshot to begin at: blocks are not replayed")
    return None


def validator_sets(source: Source) -> dict[bytes, ValidatorSet]:
    """The stored sets by their true hashes."""
    found = {}
    for (raw,) in source.rows("SELECT members FROM validators"):
        try:
            known = ValidatorSet(decode(blob(raw), tuple[Validator, ...], VALIDATORS_BYTES_MAX))
        except (CodedError, BadValidatorSet):
            continue  # a finding says so
        found[bytes(known.hash)] = known
    return found


def check_snapshots(source: Source, genesis: Genesis, findings: Findings) -> None:
    """Every whole snapshot is proved by the header after it, every chunk by its piece."""
    for height in _heights(source):
        snapshot = _snapshot(source, height, findings)
        if snapshot is None:
            continue
        raw = source.scalar("SELECT decided FROM blocks WHERE height=?", height + 1)
        try:
            if raw is not None:
                successor = decode(blob(raw), DecidedBlock, BLOCK_BYTES_MAX).block.header
                check_snapshot(snapshot, successor)
            require_signatures(genesis.chain_id, snapshot.anchor.commit)
        except (BadSnapshot, BadSignature) as error:
            findings.add(height, f"the snapshot: {error.detail}")
        except CodedError:
            pass  # found with the block
        _check_chunks(source, snapshot, findings)
    for height, number in source.rows(
        "SELECT height, number FROM chunks WHERE height NOT IN (SELECT height FROM snapshots)"
    ):
        findings.add(height, f"chunk {number} belongs to no snapshot")


def _check_chunks(source: Source, snapshot: Snapshot, findings: Findings) -> None:
    height, outline = snapshot.height, snapshot.outline
    query = "SELECT number, data FROM chunks WHERE height=? ORDER BY number"
    found: dict[int, object] = dict(source.rows(query, height))
    for number, (piece, start) in enumerate(zip(outline, starts(outline), strict=True)):
        raw = found.pop(number, None)
        if raw is None and piece.hash == EMPTY:
            continue
        try:
            check_chunk(piece, start, decode(blob(raw), Chunk, CHUNK_BYTES_READ_MAX))
        except CodedError as error:
            findings.add(height, f"chunk {number} of the snapshot: {error}")
    for number in found:
        findings.add(height, f"the snapshot has no chunk {number}")


def check_trail(source: Source, genesis: Genesis, findings: Findings) -> None:
    """The light blocks that are kept for ever lead from the genesis on, one to the next."""
    validators = Tip.at_genesis(genesis).validators.members
    root = GenesisRoot(genesis.chain_id, genesis_hash(genesis), genesis.time_ms, validators)
    trust = Trust(root, Options(trusting_period_ms=TIME_MS_MAX), _carries_recovery)
    for height, raw in source.rows("SELECT height, light FROM trail ORDER BY height"):
        try:
            block = decode(blob(raw), LightBlock, LIGHT_BLOCK_BYTES_MAX)
            if block.header.height != height:
                findings.add(height, f"the light block says it is number {block.header.height}")
            elif not trust.step(block, TIME_MS_MAX):
                findings.add(height, "the light block is not led to by those before")
        except CodedError as error:
            findings.add(height, f"the light block: {error}")


def _carries_recovery(block: LightBlock) -> bool:
    """The store's own blocks: the replay judges the recovery itself."""
    return block.header.recovery_hash != recovery_hash(None)


def _heights(source: Source) -> list[int]:
    query = "SELECT height FROM snapshots WHERE stage=? ORDER BY height"
    return [height for (height,) in source.rows(query, WHOLE)]


def _snapshot(source: Source, height: int, findings: Findings) -> Snapshot | None:
    raw = source.scalar("SELECT snapshot FROM snapshots WHERE height=?", height)
    try:
        snapshot = decode(blob(raw), Snapshot, SNAPSHOT_BYTES_MAX)
        outline_root(snapshot.outline)
    except CodedError as error:
        findings.add(height, f"the snapshot cannot be read: {error}")
        return None
    if snapshot.height != height:
        findings.add(height, f"the snapshot says it is of height {snapshot.height}")
        return None
    return snapshot


def _chunks(source: Source, height: int) -> list[object]:
    query = "SELECT data FROM chunks WHERE height=? ORDER BY number"
    return [raw for (raw,) in source.rows(query, height)]
