"""Checkers stand apart from what they check: they read the nodes' disks, never their cores."""

import msgspec

from consensus.errors import BadCertificate
from consensus.verification import verify_commit
from node.blocks import block_id
from node.core.chain import Tip
from simulator.network import SimulatedNetwork
from wire.errors import BadSignature


class Violation(msgspec.Struct, frozen=True):
    """Something that must never be true, and is."""

    checker: str
    detail: str


def check_agreement(network: SimulatedNetwork) -> list[Violation]:
    """No two nodes have different blocks at one height."""
    found: list[Violation] = []
    by_height: dict[int, tuple[str, bytes]] = {}
    for name, node in network.nodes.items():
        for decided in node.disk.blocks:
            height, ident = decided.block.header.height, block_id(decided.block.header)
            other, first = by_height.setdefault(height, (name, ident))
            if first != ident:
                found.append(Violation("agreement", f"height {height}: {other} and {name} differ"))
    return found


def check_roots(network: SimulatedNetwork) -> list[Violation]:
    """Nodes at one height have one state root."""
    found: list[Violation] = []
    by_height: dict[int, tuple[str, bytes]] = {}
    for name, node in network.nodes.items():
        tip = node.disk.tip
        other, first = by_height.setdefault(tip.height, (name, tip.state.root))
        if first != tip.state.root:
            found.append(Violation("roots", f"height {tip.height}: {other} and {name} differ"))
    return found


def check_commits(network: SimulatedNetwork, genesis: Tip) -> list[Violation]:
    """Every stored block has a commit by more than two thirds of the power, signatures good."""
    found: list[Violation] = []
    for name, node in network.nodes.items():
        for decided in node.disk.blocks:
            header = decided.block.header
            try:
                verify_commit(
                    genesis.chain_id,
                    decided.commit,
                    genesis.validators,
                    header.height,
                    block_id(header),
                )
            except (BadCertificate, BadSignature) as error:
                found.append(Violation("commits", f"{name} height {header.height}: {error}"))
    return found


def check_no_faults(network: SimulatedNetwork) -> list[Violation]:
    """No correct node was taken for a malicious one, and none contradicted itself."""
    found = [Violation("faults", text) for text in network.faults]
    if network.counts["Evidence"]:
        found.append(Violation("evidence", f"{network.counts['Evidence']} pieces"))
    return found


def check_all(network: SimulatedNetwork, genesis: Tip) -> list[Violation]:
    """Every checker."""
    return [
        *check_agreement(network),
        *check_roots(network),
        *check_commits(network, genesis),
        *check_no_faults(network),
    ]
