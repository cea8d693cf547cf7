"""The whole audit of a home directory, in the order in which a reader wants to hear of it."""

import sqlite3

import msgspec

from ledger.genesis import genesis_hash
from node.audit.anchors import check_snapshots, check_trail, first_tip, oldest
from node.audit.beside import check_log, check_signer
from node.audit.chain import Chain, Progress
from node.audit.findings import Finding, Findings
from node.audit.own import check_submissions, check_trades
from node.audit.rows import check_chain, check_state, check_tip, check_undo, check_validators
from node.audit.source import Source
from node.core.chain import Tip
from node.home import Home


class Audit(msgspec.Struct, frozen=True):
    """What was read, and what was found."""

    height: int
    """Of the last block read."""
    block_id: str
    state_root: str
    """After the last block that could be replayed."""
    replayed: int
    """Up to this height everything that a block does was computed anew and compared."""
    since: int
    """From after this height on: 0 is the genesis, else the oldest snapshot that is kept."""
    findings: list[Finding]
    count: int
    """Of findings; more than are listed, if there are very many."""
    lines: list[str]


def audit(home: Home, progress: Progress) -> Audit:
    """Replay the store of `home` from genesis, or if older blocks are not kept from its oldest
    snapshot, and compare everything stored with it.

    Reads blocks one by one, in one read transaction, so a running node does not disturb it; needs
    memory for one state, not for the chain. Raises `HomeIncomplete`, `StoreMissing`,
    `StoreVersion`, `StoreOfAnotherChain`; everything else that is wrong is a finding.
    """
    genesis, keys = home.genesis(), home.keys()
    findings = Findings()
    chain_hash = genesis_hash(genesis)
    tip = Tip.at_genesis(genesis)
    height, since, ident = 0, 0, tip.block_id.hex()
    try:
        with Source(home.store) as source:
            check_chain(source, chain_hash)
            begin = first_tip(source, genesis, oldest(source, Findings()), findings)
            chain = Chain(begin, tip, source, findings)
            chain.replay(progress)
            tip, height, since = chain.tip, chain.height, chain.since
            ident = "" if chain.last_id is None else chain.last_id.hex()
            check_tip(source, chain, chain_hash, findings)
            check_undo(source, chain, findings)
            check_validators(source, findings)
            check_state(source, chain, findings)
            check_snapshots(source, genesis, findings)
            check_trail(source, genesis, findings)
            check_submissions(source, chain.since, chain.height, findings)
            check_trades(source, findings)
            _check_file(source, findings)
    except sqlite3.DatabaseError as error:
        findings.add(height or None, f"the store cannot be read: {error}")
    check_signer(home.signer_state, genesis.chain_id, keys.consensus_key, findings)
    check_log(home.log, findings)
    return Audit(
        height=height,
        block_id=ident,
        state_root=tip.state.root.hex(),
        replayed=tip.height,
        since=since,
        findings=findings.listed,
        count=findings.count,
        lines=findings.lines(),
    )


def _check_file(source: Source, findings: Findings) -> None:
    """What SQLite itself says of the file: pages, order of keys, indexes."""
    for (line,) in source.rows("PRAGMA integrity_check(20)"):
        if line != "ok":
            findings.add(None, f"the store's file: {line}")
