"""Every metric of a node, named once; text by prometheus-client."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from node.shell import Shell

NAMES = {
    "height": ("dcn_height", "Height of the last decided block"),
    "peers": ("dcn_peers", "Peers connected"),
    "waiting": ("dcn_pool_transactions", "Transactions waiting for a block"),
    "waiting_bytes": ("dcn_pool_bytes", "Bytes of the transactions waiting"),
    "round": ("dcn_consensus_round", "Round of the height under way"),
    "contracts": ("dcn_live_contracts", "Live contracts"),
}


def metrics_text(shell: Shell, network: dict[str, int], contracts: int) -> bytes:
    """The node's metrics now; `network`: the network's counters by name."""
    registry = CollectorRegistry()
    values = {
        "height": shell.tip.height,
        "peers": len(shell.core.peers),
        "waiting": len(shell.core.deciding.pool),
        "waiting_bytes": shell.core.deciding.pool.bytes_waiting,
        "round": shell.core.deciding.run.core.process.round,
        "contracts": contracts,
    }
    for key, value in values.items():
        Gauge(*NAMES[key], registry=registry).set(value)
    for name in sorted(network):
        Gauge(f"dcn_network_{name}", f"Network counter {name}", registry=registry).set(
            network[name]
        )
    return generate_latest(registry)
