"""Wires between the nodes of a testnet that can be cut: a TCP relay for each pair and direction.

A node's configuration names the relay in the place of its peer. Cut silently, bytes stay where
they are and nobody is told, as when a cable breaks far away; cut loudly, connections are reset.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterable, Mapping
from typing import Final

from node.cli.testnet.ports import HOST, free_ports

CHUNK: Final = 1 << 16


class _Wire:
    """One direction of dialling between two nodes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.target = 0
        self.whole = asyncio.Event()
        self.refuses = False
        self.writers: set[asyncio.StreamWriter] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one connection to its end."""
        if self.refuses:
            writer.transport.abort()
            return
        await self.whole.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.target)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer))
                both.create_task(self._pump(far_reader, writer))
        except* (OSError, EOFError):
            pass
        finally:
            for one in (writer, far_writer):
                self.writers.discard(one)
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self.whole.wait()
            writer.write(data)
            await writer.drain()
        raise EOFError


class Links:
    """All wires of a testnet, in a thread of their own."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names` of all nodes; every pair gets a wire in each direction."""
        self._names = list(names)
        pairs = [(a, b) for a in self._names for b in self._names if a != b]
        ports = free_ports(len(pairs))
        self._loop = asyncio.new_event_loop()
        self._wires = {pair: _Wire(port) for pair, port in zip(pairs, ports, strict=True)}
        self._thread = threading.Thread(target=self._loop.run_forever, name="links", daemon=True)
        self._servers: list[asyncio.Server] = []

    def port(self, dialler: str, listener: str) -> int:
        """Where `dialler` reaches `listener`."""
        return self._wires[dialler, listener].port

    def start(self, ports: Mapping[str, int]) -> None:
        """Relay to the nodes, which listen on `ports` by name."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(ports), self._loop).result(10)

    async def _serve(self, ports: Mapping[str, int]) -> None:
        for (_, listener), wire in self._wires.items():
            wire.target = ports[listener]
            wire.whole.set()
            self._servers.append(await asyncio.start_server(wire.accept, HOST, wire.port))

    def cut(self, one: str, other: str, *, silently: bool) -> None:
        """Cut the wires between two nodes."""
        self._loop.call_soon_threadsafe(self._cut, one, other, silently)

    def isolate(self, name: str, *, silently: bool) -> None:
        """Cut a node off from everybody."""
        for other in self._names:
            if other != name:
                self.cut(name, other, silently=silently)

    def heal(self) -> None:
        """Make every wire whole again."""
        self._loop.call_soon_threadsafe(self._heal)

    def stop(self) -> None:
        """Close everything."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
        self._loop.close()

    # ---------------------------------------------------------------- in the thread
    def _cut(self, one: str, other: str, silently: bool) -> None:
        for pair in ((one, other), (other, one)):
            wire = self._wires[pair]
            wire.whole.clear()
            if not silently:
                wire.refuses = True
                for writer in wire.writers:
                    writer.transport.abort()

    def _heal(self) -> None:
        for wire in self._wires.values():
            wire.refuses = False
            wire.whole.set()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for wire in self._wires.values():
            for writer in wire.writers:
                writer.transport.abort()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*rest, return_exceptions=True)
