"""One direct stream on virtual time: batches, keep-alives, silence, and how it ends."""

from collections.abc import Awaitable, Callable

import trio
import trio.testing

from node.network.config import NetworkLimits
from node.network.framing import encode_frames
from node.network.link import Link, LinkEnded
from node.network.mailbox import Outbox
from node.network.tally import Tally
from wire.errors import Oversize
from wire.limits import FRAME_BYTES_MAX

LIMITS = NetworkLimits(keepalive_s=10, silence_s_max=35, flush_bytes=100)


class Wire:
    """A stream whose writes are recorded and whose reads come from the test."""

    def __init__(self) -> None:
        self.to_link, self._reads = trio.open_memory_channel[bytes](100)
        self.written: list[tuple[float, bytes]] = []

    async def read(self, n: int) -> bytes:
        """The next chunk of the test."""
        return await self._reads.receive()

    async def write(self, data: bytes) -> None:
        """Record when what was written."""
        await trio.lowlevel.checkpoint()
        self.written.append((trio.current_time(), data))


class Bench:
    """A link on a wire, what it delivered, and its outbox."""

    def __init__(self) -> None:
        self.wire, self.outbox, self.tally = Wire(), Outbox(100, 10_000), Tally()
        self.delivered: list[bytes] = []
        self.link = Link(self.wire, self.outbox, self._deliver, self.tally, LIMITS)
        self.outbox.open(self.link.wake)

    async def _deliver(self, message: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.delivered.append(message)


def on_virtual_time(scenario: Callable[[Bench], Awaitable[None]]) -> Bench:
    """Run the scenario next to its link until the scenario ends; time jumps when all wait."""
    bench: list[Bench] = []

    async def main() -> None:
        bench.append(Bench())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench[0].link.run)
            await scenario(bench[0])
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return bench[0]


def ending(scenario: Callable[[Bench], Awaitable[None]]) -> tuple[Exception, Bench]:
    """Run until the link ends by itself; returns why."""
    caught: list[Exception] = []
    benches: list[Bench] = []

    async def main() -> None:
        benches.append(Bench())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scenario, benches[0])
            try:
                await benches[0].link.run()
            except Exception as error:
                caught.append(error)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return caught[0], benches[0]


def test_messages_queued_together_leave_in_one_write() -> None:
    async def scenario(bench: Bench) -> None:
        for message in (b"a" * 40, b"b" * 40, b"c" * 40):
            assert bench.outbox.put(message)
        await trio.testing.wait_all_tasks_blocked()

    bench = on_virtual_time(scenario)
    assert [data for _, data in bench.wire.written] == [
        encode_frames([b"a" * 40, b"b" * 40]),
        encode_frames([b"c" * 40]),
    ]
    assert bench.tally.snapshot()["direct_out"] == 3
    assert bench.outbox.close() == 0, "what was written is no longer charged"


def test_a_message_wakes_an_idle_link_at_once() -> None:
    async def scenario(bench: Bench) -> None:
        await trio.sleep(3)
        assert bench.outbox.put(b"vote")
        await trio.testing.wait_all_tasks_blocked()

    bench = on_virtual_time(scenario)
    assert bench.wire.written == [(3.0, encode_frames([b"vote"]))]


def test_a_silent_link_says_every_ten_seconds_that_it_lives() -> None:
    async def scenario(bench: Bench) -> None:
        await trio.sleep(34)

    bench = on_virtual_time(scenario)
    assert [data for _, data in bench.wire.written] == [encode_frames([b""])] * 3


def test_keep_alives_are_heard_but_not_delivered() -> None:
    async def scenario(bench: Bench) -> None:
        for _ in range(10):
            await trio.sleep(30)
            await bench.wire.to_link.send(encode_frames([b""]))
        await bench.wire.to_link.send(encode_frames([b"x", b"", b"y"]))
        await trio.testing.wait_all_tasks_blocked()

    assert on_virtual_time(scenario).delivered == [b"x", b"y"]


def test_a_peer_that_says_nothing_is_taken_for_dead() -> None:
    async def scenario(bench: Bench) -> None:
        await trio.sleep(20)
        await bench.wire.to_link.send(encode_frames([b""]))

    error, _ = ending(scenario)
    assert isinstance(error, trio.TooSlowError)


def test_an_oversize_frame_ends_the_link_as_the_fault_it_is() -> None:
    async def scenario(bench: Bench) -> None:
        await bench.wire.to_link.send((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))

    error, _ = ending(scenario)
    assert isinstance(error, Oversize)


def test_a_stream_that_ends_between_frames_is_not_cut_and_one_inside_a_frame_is() -> None:
    async def between(bench: Bench) -> None:
        await bench.wire.to_link.send(encode_frames([b"whole"]))
        await bench.wire.to_link.send(b"")

    async def inside(bench: Bench) -> None:
        await bench.wire.to_link.send(encode_frames([b"whole"])[:-1])
        await bench.wire.to_link.send(b"")

    error, bench = ending(between)
    assert isinstance(error, LinkEnded)
    assert not bench.link.cut
    assert bench.delivered == [b"whole"]
    error, bench = ending(inside)
    assert isinstance(error, LinkEnded)
    assert bench.link.cut
    assert bench.delivered == []


def test_a_write_that_fails_ends_the_link_with_its_own_error() -> None:
    async def scenario(bench: Bench) -> None:
        async def broken(data: bytes) -> None:
            raise OSError("reset")

        bench.wire.write = broken  # type: ignore[method-assign]
        bench.outbox.put(b"x")

    error, bench = ending(scenario)
    assert isinstance(error, OSError)
    assert bench.outbox.close() == 1, "the message that was not written is counted as lost"
