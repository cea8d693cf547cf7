"""The files beside the store: the signer's state and the consensus log can be read."""

from pathlib import Path

from consensus.errors import BadSignerState
from consensus.inputs import decode_input
from consensus.signer import decode_state
from node.audit.findings import Findings
from node.core.records import LoggedInput, decode_record
from node.storage.errors import LogDamaged
from node.wal import read_log
from wire.errors import CodedError


def check_signer(path: Path, chain_id: str, validator: bytes, findings: Findings) -> None:
    """The signer's state, if it is here and not lost, is whole, and of this key and chain."""
    if not path.exists():
        return  # with a signer of its own; or lost: the node follows until it is safe to vote
    try:
        decode_state(path.read_bytes(), chain_id, validator)
    except BadSignerState as error:
        findings.add(None, f"{path.name}: {error}")


def check_log(path: Path, findings: Findings) -> None:
    """Every record of the consensus log can be read; a torn last one is what a crash leaves."""
    if not path.exists():
        return  # a node that never ran, or whose store has just been reset
    try:
        log = read_log(path)
    except LogDamaged as error:
        findings.add(None, str(error))
        return
    if log.damaged:
        findings.add(
            log.height or None,
            f"{path.name}: record {len(log.records)} is damaged, and others follow it",
        )
    for number, raw in enumerate(log.records):
        try:
            record = decode_record(raw)
            if isinstance(record, LoggedInput):
                decode_input(record.data)
        except CodedError as error:
            findings.add(log.height or None, f"{path.name}: record {number}: {error}")
