"""One node's network in a process of its own, driven by JSON lines: the peer of the tests.

In: {"config": ...} first, then {"do": "send" | "publish" | "peers" | "count" | "consume", ...}.
Out: one line per event and answer, as {"event": KIND, ...} and {"number": ..., "answer": ...}.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

import structlog

from node.network import Direct, Gossip, Network, NetworkConfig, NetworkLimits, NetworkStopped

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def say(line: dict[str, Any]) -> None:
    """Write one line to the test."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def report(network: Network, consuming: asyncio.Event) -> None:
    """Print every event; the payload as its length and first bytes."""
    while True:
        await consuming.wait()
        try:
            event = await network.receive()
        except NetworkStopped:
            return
        fields = asdict(event)
        if isinstance(event, Direct | Gossip):
            fields |= {"data": event.data[:64].hex(), "size": len(event.data)}
        say({"event": type(event).__name__, **fields})


async def obey(network: Network, consuming: asyncio.Event, order: dict[str, Any]) -> Any:
    """Carry out one order of the test and return its answer."""
    data = bytes.fromhex(order.get("data", "")) * order.get("repeat", 1)
    match order["do"]:
        case "send":
            return sum(network.send(order["peer"], data) for _ in range(order.get("times", 1)))
        case "publish":
            await network.publish(order["topic"], data)
        case "peers":
            network.set_peers(order["peers"])
        case "count":
            return {"counters": network.counters(), "connected": sorted(network.connected())}
        case "consume":
            consuming.set() if order["on"] else consuming.clear()
    return True


async def main() -> None:
    """Serve until the test closes our input."""
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = json.loads(await reader.readline())
    network = Network(
        NetworkConfig(
            seed=bytes.fromhex(settings["seed"]),
            listen=settings["listen"],
            peers=settings["peers"],
            topics=tuple(settings["topics"]),
            limits=NetworkLimits(**settings.get("limits", {})),
        )
    )
    await network.start()
    say({"answer": "listening"})
    consuming = asyncio.Event()
    consuming.set()
    reporting = asyncio.create_task(report(network, consuming))
    while line := await reader.readline():
        order = json.loads(line)
        say({"number": order.get("number"), "answer": await obey(network, consuming, order)})
    await network.stop()
    consuming.set()
    await reporting


if __name__ == "__main__":
    asyncio.run(main())
