"""What the network costs: python benchmarks/network.py [--nodes 4] [--idle-s 15]

Every node is a process of its own on loopback. One sends, and every message reaches all others.
Prints messages per second until the last has arrived everywhere, CPU milliseconds per message of
all processes together, what was lost, and what an idle mesh costs. CPU is user plus system time.
"""

import argparse
import asyncio
import json
import logging
import os
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from node.cli.testnet.ports import HOST, free_ports
from node.network import Direct, Gossip, Network, NetworkConfig, peer_id_of_seed

TOPIC = "dcn/benchmark/1"
SIZES = {"200 B": 200, "10 KB": 10_000, "1 MB": 1_000_000}
COUNTS = {
    "direct": {"200 B": 20_000, "10 KB": 8_000, "1 MB": 150},
    "gossip": {"200 B": 1_500, "10 KB": 1_000, "1 MB": 60},
}
LOSS_PATIENCE_S = 3.0
"""A receiver that has seen nothing new for so long takes the rest for lost."""


# ---------------------------------------------------------------------- one node's process
async def worker() -> None:
    """Serve one node: settings on the first line of input, orders on the others."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = json.loads(await reader.readline())
    config = NetworkConfig(
        bytes.fromhex(settings["seed"]), settings["listen"], settings["peers"], (TOPIC,)
    )
    network = Network(config)
    await network.start()
    while len(network.connected()) < len(config.peers):
        await network.receive()
    print(json.dumps({"ready": True}), flush=True)
    while line := await reader.readline():
        order = json.loads(line)
        print(json.dumps(await obey(network, config, order)), flush=True)
    await network.stop()


async def obey(network: Network, config: NetworkConfig, order: dict[str, Any]) -> dict[str, Any]:
    """Send, receive or idle; answer with the time spent and the count of messages."""
    began, cpu = time.monotonic(), cpu_s()
    count = 0
    if order["do"] == "idle":
        await asyncio.sleep(order["seconds"])
    elif order["do"] == "receive":
        count, last = await receive(network, order["count"])
        return {"count": count, "ended": last, "cpu_s": cpu_s() - cpu}
    elif order["do"] == "direct":
        count = order["count"]
        await send(network, config, bytes(order["size"]), count)
    elif order["do"] == "gossip":
        count = order["count"]
        for _ in range(count):
            await network.publish(TOPIC, bytes(order["size"]))
    return {"count": count, "began": began, "cpu_s": cpu_s() - cpu, "rss": memory_bytes()}


async def send(network: Network, config: NetworkConfig, data: bytes, count: int) -> None:
    """Send `count` messages to every peer, as fast as they take them."""
    before = network.counters()["direct_out"]
    for _ in range(count):
        for peer in config.peers:
            while not network.send(peer, data):  # noqa: ASYNC110  # the network has no such event
                await asyncio.sleep(0.002)
    # The sender's own process is measured until its queues are empty.
    sent = network.counters()["direct_out"] - before
    while sent < count * len(config.peers):
        await asyncio.sleep(0.01)
        sent = network.counters()["direct_out"] - before


async def receive(network: Network, count: int) -> tuple[int, float]:
    """Messages received, and when the last came; gives up after a silence."""
    got, last = 0, time.monotonic()
    while got < count:
        try:
            event = await asyncio.wait_for(network.receive(), LOSS_PATIENCE_S + 2 * (got == 0))
        except TimeoutError:
            break
        if isinstance(event, Direct | Gossip):
            got, last = got + 1, time.monotonic()
    return got, last


def cpu_s() -> float:
    """User and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory_bytes() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# ---------------------------------------------------------------------- the mesh
@dataclass
class Node:
    """A worker process and its pipes."""

    process: asyncio.subprocess.Process

    async def start(self, order: dict[str, Any]) -> None:
        """Write one order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        await self.process.stdin.drain()

    async def answer(self) -> dict[str, Any]:
        """Read one answer."""
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return answer


def free_address() -> str:
    """A loopback address that was free a moment ago."""
    [port] = free_ports(1)
    return f"/ip4/{HOST}/tcp/{port}"


async def mesh(count: int) -> list[Node]:
    """So many nodes, all connected."""
    seeds = [bytes([n + 1]) * 32 for n in range(count)]
    addresses = {peer_id_of_seed(seed): free_address() for seed in seeds}
    nodes = []
    for seed in seeds:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            "--worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        nodes.append(Node(process))
        me = peer_id_of_seed(seed)
        peers = {peer: address for peer, address in addresses.items() if peer != me}
        await nodes[-1].start({"seed": seed.hex(), "listen": addresses[me], "peers": peers})
    for node in nodes:
        await node.answer()
    return nodes


async def close(nodes: list[Node]) -> None:
    """End every process."""
    for node in nodes:
        assert node.process.stdin is not None
        node.process.stdin.close()
    for node in nodes:
        await node.process.wait()


async def measure(nodes: list[Node], kind: str, label: str) -> str:
    """One row of the table."""
    count = COUNTS[kind][label]
    sender, *receivers = nodes
    for node in receivers:
        await node.start({"do": "receive", "count": count})
    await sender.start({"do": kind, "count": count, "size": SIZES[label]})
    sent = await sender.answer()
    got = [await node.answer() for node in receivers]
    seconds = max(answer["ended"] for answer in got) - sent["began"]
    cpu = sent["cpu_s"] + sum(answer["cpu_s"] for answer in got)
    lost = count * len(receivers) - sum(answer["count"] for answer in got)
    rate, cost = count / seconds, cpu * 1000 / count
    return f"{kind:8}{label:>8}{count:>9,}{rate:>12,.0f}{cost:>14.2f}{lost:>8,}"


async def main(nodes_count: int, idle_s: float) -> None:
    """Print the tables."""
    nodes = await mesh(nodes_count)
    print(f"{nodes_count} nodes, each message reaching all others")
    print(f"{'':8}{'size':>8}{'messages':>9}{'messages/s':>12}{'CPU ms/msg':>14}{'lost':>8}")
    for kind in COUNTS:
        for label in SIZES:
            print(await measure(nodes, kind, label), flush=True)
    await close(nodes)
    nodes = await mesh(5)
    for node in nodes:
        await node.start({"do": "idle", "seconds": idle_s})
    idle = [await node.answer() for node in nodes]
    share = max(answer["cpu_s"] for answer in idle) / idle_s
    memory = max(answer["rss"] for answer in idle) / 1e6
    print(f"idle, 5 nodes, {idle_s:.0f} s: at most {share:.2%} of a core, {memory:.0f} MB each")
    await close(nodes)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--nodes", type=int, default=4)
    arguments.add_argument("--idle-s", type=float, default=15)
    arguments.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    asyncio.run(worker() if options.worker else main(options.nodes, options.idle_s))
