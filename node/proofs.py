"""Proof files: a balance, a trade or any other row, checkable by anybody who holds a header.

The state after block h is committed to by the header of block h + 1. A file holds that header, the
commit that decided it, and the path in the state tree; the reader needs nothing else but the
header's id, or the genesis to check the commit's signatures with.
"""

import json
from typing import Any

from consensus.errors import BadCertificate
from consensus.messages import Certificate
from consensus.validators import ValidatorSet
from consensus.verification import verify_commit
from ledger.genesis import Genesis, genesis_state
from ledger.state import State
from ledger.tables import decode_row, table_of
from node import round_proofs
from node.blocks import DecidedBlock, Header, block_id
from node.core.chain import validators_of
from node.plain import plain
from node.round_proofs import BYTES_MAX, ProvedPart, proof_file
from wire.codec import Record, decode, encode
from wire.errors import BadProof, BadSignature, CodedError, Rejection
from wire.statetree import StateProof, verify_state

FORMAT = "dcn-proof/1"


class ProofNotReady(Rejection):
    """The block that commits to this state is not decided yet."""

    code = "PROOF_NOT_READY"
    remedy = "Wait for one more block; a block with changes is followed promptly by one."


class ProvedRow(Record, frozen=True):
    """The content of a proof file."""

    header: Header
    commit: Certificate
    proof: StateProof


def prove_row(before: State | None, last: DecidedBlock | None, key: bytes) -> ProvedRow:
    """The proof of the row `key`, or of its absence, in the state that `last` commits to.

    `before`: the state one block before `last`. Raises `ProofNotReady`.
    """
    if before is None or last is None:
        raise ProofNotReady("no block has been decided yet")
    header = last.block.header
    assert header.state_root == before.root
    return ProvedRow(header, last.commit, before.prove(key))


def to_file(proved: ProvedRow) -> dict[str, Any]:
    """The proof as JSON: bytes for machines, the claim for people."""
    return proof_file(FORMAT, proved.header, claim_of(proved.proof), encode(proved))


def claim_of(proof: StateProof) -> dict[str, Any]:
    """What a proof says, decoded from its own bytes."""
    table = table_of(proof.key)
    row = None if proof.row is None else plain(decode_row(proof.key, proof.row))
    return {"table": table.name, "key": plain(table.parts(proof.key)), "row": row}


def check_file(text: str, genesis: Genesis | None, header_id: str | None) -> dict[str, Any]:
    """The claim of a proof file, if it holds; raises `BadProof`.

    `header_id`: the id of the header that the reader trusts. `genesis`: check the header's commit
    with the validators of the genesis. One of them is needed: a header proves nothing by itself.
    """
    try:
        raw = json.loads(text)
        proved, claim = _read(raw["format"], bytes.fromhex(raw["proved"]))
    except (ValueError, KeyError, TypeError, CodedError) as error:
        raise BadProof(f"not a proof file: {error}") from None
    ident = block_id(proved.header)
    if genesis is None and header_id is None:
        raise BadProof("name the header you trust, or give the genesis")
    if header_id is not None and ident.hex() != header_id.lower():
        raise BadProof(f"is under header {ident.hex()}, not under {header_id}")
    if genesis is not None:
        _check_commit(proved, genesis)
    match proved:
        case ProvedRow():
            verify_state(proved.proof, proved.header.state_root)
        case ProvedPart():
            round_proofs.check_part(proved)
    return {
        "valid": True,
        "claim": claim,
        "chain_id": proved.header.chain_id,
        "state_after_height": proved.header.height - 1,
        "header_height": proved.header.height,
        "header_id": ident.hex(),
        "commit_checked": genesis is not None,
    }


def _read(form: str, data: bytes) -> tuple[ProvedRow | ProvedPart, dict[str, Any]]:
    """The content of a proof file, and what it claims; raises `ValueError` or `CodedError`."""
    match form:
        case "dcn-proof/1":
            row = decode(data, ProvedRow, BYTES_MAX)
            return row, claim_of(row.proof)
        case round_proofs.FORMAT:
            part = decode(data, ProvedPart, BYTES_MAX)
            return part, round_proofs.claim_of(part)
        case _:
            raise ValueError(f"of no known format: {str(form)[:40]!r}")


def _check_commit(proved: ProvedRow | ProvedPart, genesis: Genesis) -> None:
    header = proved.header
    validators: ValidatorSet = validators_of(genesis_state(genesis))
    if header.chain_id != genesis.chain_id or header.validators_hash != validators.hash:
        raise BadProof("the header is of another chain, or its validators are not genesis's")
    try:
        verify_commit(genesis.chain_id, proved.commit, validators, header.height, block_id(header))
    except (BadCertificate, BadSignature) as error:
        raise BadProof(f"the commit: {error}") from None
