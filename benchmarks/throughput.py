# ruff: noqa: E402
"""Trades per second of a real network: four validators, each a process, on this machine.

Prints a table: for several offered loads, single trades and TradeBatches, how many trades are
final per second, finality percentiles, and the CPU every node took; then start-up time, disk per
trade, and what an idle node costs. Everything runs on the same cores, this driver included.

    python benchmarks/throughput.py [--seconds 10] [--json OUT]
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Run as a script, Python looks for modules beside it first, and there `netting.py` is a benchmark.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from rich.console import Console
from rich.table import Table

from ledger.objects import Trade
from node.blotter import fields_of
from node.cli.testnet.drive import Drive
from node.cli.testnet.layout import Pace, Place, lay_out
from node.cli.testnet.plan import make_replay
from node.cli.testnet.processes import Processes
from node.samples import percentile

TICK_HZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_HZ


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


class Bench:
    """A network under load."""

    def __init__(self, drive: Drive, processes: Processes, places: list[Place]) -> None:
        self.drive = drive
        self.processes = processes
        self.places = places
        self.pids = processes.pids()
        self._samples = [0] * len(drive.members)

    async def offer(self, trades: list[Trade], per_s: int | None, batch: int) -> dict[str, Any]:
        """Offer `trades` at a rate (None: all at once), and wait until all are final."""
        before = [cpu_s(pid) for pid in self.pids]
        own = time.process_time()
        height = (await self.drive.members[0].get("/v1/status"))["height"]
        begin = time.monotonic()
        await asyncio.gather(
            *(self._initiate(who.lei, trades, per_s, batch) for who in self._buyers(trades))
        )
        offered_s = time.monotonic() - begin
        self.drive.submitted += len(trades)
        await self.drive.registered()
        elapsed = time.monotonic() - begin
        samples = await self._fresh_samples()
        used = [cpu_s(pid) - b for pid, b in zip(self.pids, before, strict=True)]
        blocks = (await self.drive.members[0].get("/v1/status"))["height"] - height
        return {
            "kind": f"batch of {batch}" if batch > 1 else "single",
            "offered_per_s": per_s or round(len(trades) / offered_s),
            "trades": len(trades),
            "final_per_s": round(len(trades) / elapsed),
            "p50_ms": percentile(samples, 50),
            "p95_ms": percentile(samples, 95),
            "blocks": blocks,
            "cpu_ms_per_trade_all_nodes": round(1_000 * sum(used) / len(trades), 2),
            "cores_used": round((sum(used) + time.process_time() - own) / elapsed, 2),
            "limited_by": self._limit(per_s, len(trades) / elapsed),
        }

    @staticmethod
    def _limit(per_s: int | None, final_per_s: float) -> str:
        """The load if it was met, else the processors, which the nodes and this driver share."""
        met = per_s is not None and final_per_s > 0.85 * per_s
        return "the load" if met else "the processors"

    def _buyers(self, trades: list[Trade]) -> list[Any]:
        buyers = {trade.buyer for trade in trades}
        return [who for who in self.drive.replay.founded.members if who.lei in buyers]

    async def _initiate(self, lei: str, trades: list[Trade], per_s: int | None, batch: int) -> None:
        mine = [trade for trade in trades if trade.buyer == lei]
        if batch > 1:
            chunks = _pair_batches(mine, batch)
        else:
            size = 50 if per_s is None else max(1, per_s // 40)
            chunks = [mine[i : i + size] for i in range(0, len(mine), size)]
        share = len(mine) / max(1, len(trades))
        begin = time.monotonic()
        done = 0
        for chunk in chunks:
            if per_s is not None:
                await asyncio.sleep(max(0.0, begin + done / (per_s * share) - time.monotonic()))
            content = {"trades": [fields_of(t) for t in chunk], "batch": batch > 1}
            await self.drive.post(self.drive.nodes[lei], "/v1/trades", content)
            done += len(chunk)

    async def _fresh_samples(self) -> list[int]:
        fresh: list[int] = []
        for number, node in enumerate(self.drive.members):
            found = await node.get("/v1/finality")
            fresh += found[self._samples[number] :]
            self._samples[number] = len(found)
        return fresh


def _pair_batches(trades: list[Trade], size: int) -> list[list[Trade]]:
    pairs: dict[str, list[Trade]] = {}
    for trade in trades:
        pairs.setdefault(trade.seller, []).append(trade)
    return [x[i : i + size] for x in pairs.values() for i in range(0, len(x), size)]


async def measure(seconds: int, directory: Path) -> dict[str, Any]:
    """All figures of one run."""
    loads: list[tuple[int | None, int, int]] = [
        (100, 1, 100 * seconds),
        (200, 1, 200 * seconds),
        (300, 1, 300 * seconds),
        (None, 1, 400 * seconds),
        (1_000, 100, 1_000 * seconds),
        (None, 200, 1_500 * seconds),
    ]
    total = sum(count for _, _, count in loads)
    replay = make_replay(members=4, observers=0, days=1, trades=total, seed=7)
    places = lay_out(directory, replay, Pace())
    processes = Processes(directory, places)
    drive = Drive(replay, places, processes)
    try:
        begin = time.monotonic()
        processes.start_all()
        await drive.wait_connected()
        start_s = time.monotonic() - begin
        await drive.fund()
        bench = Bench(drive, processes, places)
        await asyncio.sleep(5)
        before, begin = [cpu_s(pid) for pid in bench.pids], time.monotonic()
        await asyncio.sleep(20)
        idle_s = time.monotonic() - begin
        idle = [(cpu_s(pid) - b) / idle_s for pid, b in zip(bench.pids, before, strict=True)]
        idle_mb = [rss_mb(pid) for pid in bench.pids]
        disk_before = _disk(places)
        rows, at = [], 0
        trades = list(replay.days[0].trades)
        for per_s, batch, count in loads:
            rows.append(await bench.offer(trades[at : at + count], per_s, batch))
            at += count
            await asyncio.sleep(1)
        return {
            "loads": rows,
            "start_up_s": round(start_s, 1),
            "idle_cpu_percent_of_a_core": [round(100 * share, 1) for share in idle],
            "idle_rss_mb": [round(mb) for mb in idle_mb],
            "disk_bytes_per_trade_and_node": round((_disk(places) - disk_before) / total / 4),
            "rss_mb_after": [round(rss_mb(pid)) for pid in bench.pids],
        }
    finally:
        await drive.close()
        await processes.stop_all()


def _disk(places: list[Place]) -> int:
    return sum(f.stat().st_size for p in places for f in Path(p.home, "data").iterdir())


def show(found: dict[str, Any]) -> None:
    """The table."""
    table = Table(title="Four validators, real processes, one machine", title_justify="left")
    for name in found["loads"][0]:
        table.add_column(name.replace("_", " "), justify="right")
    for row in found["loads"]:
        table.add_row(*(str(value) for value in row.values()))
    console = Console(width=150)
    console.print(table)
    for name, value in found.items():
        if name != "loads":
            console.print(f"{name.replace('_', ' ')}: {value}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="of offered load per row")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = asyncio.run(measure(arguments.seconds, Path(directory) / "bench"))
    show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
