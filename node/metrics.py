"""Every metric of a node, named once; text by prometheus-client.

configs/grafana-dashboard.json and configs/alerts.yml use these names and no others.
"""

import shutil
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ledger import objects as o
from ledger import tables as t
from node.daemon import Daemon
from node.home import Home
from node.network.tally import NAMES as NETWORK_COUNTERS
from node.samples import percentile

NETWORK_PREFIX: Final = "dcn_network_"

GAUGES: Final[dict[str, str]] = {
    "dcn_height": "Height of the last stored block",
    "dcn_block_time_seconds": "Time of the last stored block, Unix seconds, by the validators",
    "dcn_blocks_behind": "Blocks that peers have and this node has not",
    "dcn_business_date": "Business date under way, YYYYMMDD; 0: the calendar has ended",
    "dcn_peers": "Peers connected",
    "dcn_peers_known": "Nodes that the ledger knows, this one not counted",
    "dcn_validator": "1 if the ledger names this node's entity as a validator, else 0",
    "dcn_votes": "1 if this node signs votes at the height under way, else 0",
    "dcn_consensus_round": "Round of the height under way; above 0 a proposer was late or absent",
    "dcn_validators": "Validators of the height under way",
    "dcn_validators_connected": "Validators that this node is or is connected to",
    "dcn_evidence_seen": "Pieces of evidence against validators seen since the start",
    "dcn_pool_transactions": "Transactions waiting for a block",
    "dcn_pool_bytes": "Bytes of the transactions waiting",
    "dcn_finality_p50_ms": "Median milliseconds from acceptance to the stored block",
    "dcn_finality_p95_ms": "95th percentile of the same",
    "dcn_live_contracts": "Live contracts on the ledger",
    "dcn_clock_off_ms": "This clock ahead of the validators' (below 0: behind), by the last commit",
    "dcn_oldest_block": "Lowest height that the store keeps",
    "dcn_store_bytes": "Bytes of the store and its write-ahead log",
    "dcn_disk_free_bytes": "Bytes free on the disk under the store",
}
"""Name and help text of everything measured now."""

COUNTERS: Final[dict[str, str]] = {
    f"{NETWORK_PREFIX}{name}": meaning for name, meaning in NETWORK_COUNTERS.items()
}
"""The same of what only grows; on the page each ends in `_total`."""


ALERTS: Final = "dcn_observer_alerts"
ALERTS_LABELS: Final = ("rule", "severity")

LABELLED: Final[dict[str, str]] = {
    ALERTS: "Alerts that are open, by rule and severity; none at a node without the observer's page"
}
"""The same of what is measured by label."""


class _Reading(Collector):
    """One reading of everything, as prometheus-client takes it."""

    def __init__(
        self,
        gauges: dict[str, float],
        counters: dict[str, int],
        alerts: dict[tuple[str, str], int],
    ) -> None:
        assert gauges.keys() == GAUGES.keys()
        assert counters.keys() == COUNTERS.keys()
        self._gauges, self._counters, self._alerts = gauges, counters, alerts

    def collect(self) -> Iterator[Metric]:
        """Every metric in the order in which it is named above."""
        for name, meaning in GAUGES.items():
            yield GaugeMetricFamily(name, meaning, value=self._gauges[name])
        alerts = GaugeMetricFamily(ALERTS, LABELLED[ALERTS], labels=ALERTS_LABELS)
        for labels, count in sorted(self._alerts.items()):
            alerts.add_metric(labels, count)
        yield alerts
        for name, meaning in COUNTERS.items():
            yield CounterMetricFamily(name, meaning, value=self._counters[name])


async def metrics_text(daemon: Daemon) -> bytes:
    """The node's metrics now, in Prometheus's text form."""
    registry = CollectorRegistry()
    network = daemon.network.counters()
    counters = {f"{NETWORK_PREFIX}{name}": network[name] for name in NETWORK_COUNTERS}
    gauges = _of_consensus(daemon) | _of_files(daemon.home)
    gauges["dcn_oldest_block"] = await daemon.store.oldest()
    registry.register(_Reading(gauges, counters, dict(daemon.alerts)))
    return generate_latest(registry)


def _of_consensus(daemon: Daemon) -> dict[str, float]:
    shell = daemon.shell
    tip, deciding = shell.tip, shell.core.deciding
    process, samples = deciding.run.core.process, list(shell.finality_ms)
    round_ = daemon.standing()
    missing = len(round_["missing"])
    return {
        "dcn_height": tip.height,
        "dcn_block_time_seconds": tip.time_ms / 1_000,
        "dcn_blocks_behind": max(0, shell.core.sync.target() - tip.height),
        "dcn_business_date": tip.state.must(t.NETWORK, t.network_key()).business_date or 0,
        "dcn_peers": len(shell.core.peers),
        "dcn_peers_known": daemon.peers_known,
        "dcn_validator": int(daemon.is_validator),
        "dcn_votes": int(deciding.run.me is not None and not deciding.voting.hindrance),
        "dcn_consensus_round": max(0, process.round),
        "dcn_validators": len(round_["validators"]),
        "dcn_validators_connected": len(round_["validators"]) - missing,
        "dcn_evidence_seen": shell.evidence,
        "dcn_pool_transactions": len(deciding.pool),
        "dcn_pool_bytes": deciding.pool.bytes_waiting,
        "dcn_finality_p50_ms": percentile(samples, 50) or 0,
        "dcn_finality_p95_ms": percentile(samples, 95) or 0,
        "dcn_clock_off_ms": daemon.clock.off_ms,
        "dcn_live_contracts": len(tip.state.indexed(t.CONTRACTS, o.ContractState.LIVE)),
    }


def _of_files(home: Home) -> dict[str, float]:
    beside = [home.store, home.store.with_name(home.store.name + "-wal")]
    return {
        "dcn_store_bytes": sum(path.stat().st_size for path in beside if path.exists()),
        "dcn_disk_free_bytes": shutil.disk_usage(home.data).free,
    }
