"""A signer in another process: what the node is told when it is there, gone, strange or lost."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from consensus.inputs import Signed, SignRefused
from consensus.messages import Vote, VoteKind, sign_bytes
from consensus.signer import SignerGone, SignerState
from node.cli.testnet.ports import free_ports
from node.core import inputs as i
from node.signer import FileSigner
from node.signing import address as addresses
from node.signing import remote as remote_signer
from node.signing.address import Address, TlsAddress, UnixAddress, read_address
from node.signing.certificates import make_certificates
from node.signing.errors import BadSignerAddress, SignerCertificates, SignerHomeExists
from node.signing.messages import Greeting, Ping, SignAnswer, SignRequest, to_frame
from node.signing.remote import RemoteSigner
from node.signing.server import CONNECTIONS_MAX, SignerServer
from wire.signing import SigningKey, verifies

KEY = SigningKey(b"k" * 32)
CHAIN = "dcn-test"


def vote(height: int, block: bytes = b"v" * 32) -> Vote:
    return Vote(VoteKind.PREVOTE, height, 0, block, 5, KEY.public, b"")


class Signer:
    """A signer at an address, in this process; started and stopped at will."""

    def __init__(self, folder: Path, address: Address, key: SigningKey = KEY) -> None:
        self.state = folder / "signer.state"
        self.address = address
        self._key = key
        FileSigner.create(self.state, CHAIN, key)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        server = SignerServer(FileSigner(self.state, CHAIN, self._key))
        self._task = asyncio.create_task(server.run(self.address))
        await asyncio.sleep(0)

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


class Node:
    """The node's side, with what it was told."""

    def __init__(self, address: Address, chain: str = CHAIN) -> None:
        self.told: list[i.Input] = []
        self.remote = RemoteSigner(address, chain, KEY.public, lambda: 7)
        self.remote.report = self.told.append

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Node"]:
        task = asyncio.create_task(self.remote.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def answers(self) -> list[Signed | SignRefused]:
        return [one.answer for one in self.told if isinstance(one, i.SignerAnswered)]

    def found(self) -> list[SignerState | SignerGone]:
        return [one.signing for one in self.told if isinstance(one, i.SignerFound)]


@pytest.fixture
def address(tmp_path: Path) -> UnixAddress:
    return UnixAddress(tmp_path / "s.sock")


@pytest.fixture
async def signer(tmp_path: Path, address: UnixAddress) -> AsyncIterator[Signer]:
    made = Signer(tmp_path, address)
    await made.start()
    yield made
    await made.stop()


# ---------------------------------------------------------------- there, gone, back
async def test_what_is_asked_is_signed_and_what_would_be_double_is_refused(signer: Signer) -> None:
    async with Node(signer.address).running() as node:
        assert await node.remote.ask(vote(4), 0) is None
        await node.until(lambda: len(node.answers()) == 1)
        await node.remote.ask(vote(4, b"w" * 32), 0)
        await node.until(lambda: len(node.answers()) == 2)
    signed, refused = node.answers()
    assert isinstance(signed, Signed)
    assert verifies(KEY.public, sign_bytes(CHAIN, vote(4)), signed.message.signature)
    assert isinstance(refused, SignRefused)
    assert FileSigner(signer.state, CHAIN, KEY).sign(vote(4)) == signed.message.signature


async def test_a_node_that_starts_without_its_signer_hears_of_it_later(
    tmp_path: Path, address: UnixAddress
) -> None:
    node = Node(address)
    await node.remote.meet()
    assert node.remote.signing() is SignerGone.AWAY
    async with node.running():
        await node.remote.ask(vote(4), 0)
        signer = Signer(tmp_path, address)
        await signer.start()
        await node.until(lambda: bool(node.answers()))
        assert isinstance(node.found()[0], SignerState)
        assert node.remote.connected
        await signer.stop()


async def test_a_signer_too_slow_for_the_first_meeting_is_met_anew(
    tmp_path: Path, address: UnixAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connected, but not introduced in time: the half-open way is not taken for a signer."""
    monkeypatch.setattr(remote_signer, "ANSWER_SECONDS", 0.05)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side gives up
        writer.close()
        await writer.wait_closed()
        left.set()

    left = asyncio.Event()
    slow = await asyncio.start_unix_server(silent, address.path)
    node = Node(address)
    await node.remote.meet()
    assert node.remote.signing() is SignerGone.AWAY
    await left.wait()
    slow.close()
    await slow.wait_closed()
    address.path.unlink(missing_ok=True)
    monkeypatch.undo()
    signer = Signer(tmp_path, address)
    await signer.start()
    async with node.running():
        await node.until(lambda: bool(node.found()))
    assert isinstance(node.found()[0], SignerState)
    await signer.stop()


async def test_what_waits_is_asked_again_and_a_later_message_takes_its_place(
    signer: Signer,
) -> None:
    async with Node(signer.address).running() as node:
        await node.until(lambda: node.remote.connected)
        await signer.stop()
        await node.until(lambda: not node.remote.connected)
        await node.remote.ask(vote(4), 0)
        await node.remote.ask(vote(5), 0)
        assert node.answers() == []
        await signer.start()
        await node.until(lambda: bool(node.answers()))
        [answer] = node.answers()
        assert isinstance(answer, Signed)
        assert answer.message.height == 5


async def test_a_lost_state_signs_nothing_until_it_is_raised(signer: Signer) -> None:
    async with Node(signer.address).running() as node:
        await node.remote.ask(vote(4), 0)
        await node.until(lambda: len(node.answers()) == 1)
        await signer.stop()
        signer.state.unlink()
        await signer.start()
        await node.until(lambda: node.found()[-1:] == [SignerGone.LOST])
        await node.remote.ask(vote(5), 0)
        await node.until(lambda: len(node.answers()) == 2)
        assert isinstance(node.answers()[1], SignRefused)
        await node.remote.raise_to(8)
        for height in (7, 8):
            await node.remote.ask(vote(height), 0)
            count = len(node.answers())
            await node.until(lambda n=count: len(node.answers()) > n)  # type: ignore[misc]
        assert isinstance(node.answers()[-2], SignRefused)
        assert isinstance(node.answers()[-1], Signed)


async def test_an_old_copy_of_the_state_is_not_believed(signer: Signer) -> None:
    async with Node(signer.address).running() as node:
        old = signer.state.read_bytes()
        await node.remote.ask(vote(4), 0)
        await node.until(lambda: len(node.answers()) == 1)
        await signer.stop()
        signer.state.write_bytes(old)
        await signer.start()
        await node.until(lambda: node.found()[-1:] == [SignerGone.LOST])


@pytest.mark.parametrize("strange", ["chain", "key"])
async def test_a_signer_for_something_else_is_not_used(
    tmp_path: Path, address: UnixAddress, strange: str
) -> None:
    key = SigningKey(b"o" * 32) if strange == "key" else KEY
    signer = Signer(tmp_path, address, key)
    await signer.start()
    node = Node(address, "other" if strange == "chain" else CHAIN)
    await node.remote.meet()
    assert node.remote.signing() is SignerGone.AWAY
    assert not node.remote.connected
    await signer.stop()


# ---------------------------------------------------------------- who may connect
async def test_the_socket_is_for_one_user_alone(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(signer.address, UnixAddress)
    mode = stat.S_IMODE(signer.address.path.stat().st_mode)
    assert mode == 0o600
    someone = os.geteuid() + 1
    monkeypatch.setattr(addresses.os, "geteuid", lambda: someone)
    node = Node(signer.address)
    await node.remote.meet()
    assert node.remote.signing() is SignerGone.AWAY


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\1x",
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        to_frame(SignRequest(1, vote(9))),
        to_frame(Greeting(9, CHAIN)),
        to_frame(Greeting(1, "other")),
        to_frame(Greeting(1, CHAIN)) + to_frame(SignAnswer(1, None)),
        to_frame(Greeting(1, CHAIN)) + to_frame(Greeting(1, CHAIN)),
    ],
)
async def test_who_does_not_keep_to_the_protocol_is_cut_off_and_signs_nothing(
    signer: Signer, data: bytes
) -> None:
    assert isinstance(signer.address, UnixAddress)
    before = signer.state.read_bytes()
    reader, writer = await asyncio.open_unix_connection(signer.address.path)
    writer.write(data)
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):
            await reader.read()
    writer.close()
    assert signer.state.read_bytes() == before
    async with Node(signer.address).running() as node:
        await node.remote.ask(vote(4), 0)
        await node.until(lambda: bool(node.answers()))


async def test_connections_are_few(signer: Signer) -> None:
    assert isinstance(signer.address, UnixAddress)
    path = signer.address.path
    opened = [await asyncio.open_unix_connection(path) for _ in range(CONNECTIONS_MAX)]
    for _, writer in opened:
        writer.write(to_frame(Greeting(1, CHAIN)) + to_frame(Ping(1)))
    for reader, _ in opened:
        await reader.readexactly(4)
    reader, writer = await asyncio.open_unix_connection(path)
    assert await reader.read() == b""
    for _, one in [*opened, (reader, writer)]:
        one.close()


# ---------------------------------------------------------------- TLS
async def test_over_tls_both_sides_show_a_certificate_of_one_authority(tmp_path: Path) -> None:
    make_certificates(tmp_path / "ours", "127.0.0.1")
    make_certificates(tmp_path / "theirs", "127.0.0.1")
    [port] = free_ports(1)

    def at(folder: str) -> TlsAddress:
        return TlsAddress("127.0.0.1", port, tmp_path / folder)

    signer = Signer(tmp_path, at("ours/signer"))
    await signer.start()
    for folder in ("theirs/node", "theirs/signer", "ours/signer"):
        stranger = Node(at(folder))
        await stranger.remote.meet()
        assert stranger.remote.signing() is SignerGone.AWAY, folder
    async with Node(at("ours/node")).running() as node:
        await node.remote.ask(vote(4), 0)
        await node.until(lambda: bool(node.answers()))
        assert isinstance(node.answers()[0], Signed)
    with pytest.raises(SignerHomeExists):
        make_certificates(tmp_path / "ours", "127.0.0.1")
    with pytest.raises(SignerCertificates):
        await addresses.connect(at("nowhere"))
    elsewhere = make_certificates(tmp_path / "elsewhere", "signer.example")
    assert (elsewhere[0] / "key.pem").stat().st_mode & 0o77 == 0
    await signer.stop()


@pytest.mark.parametrize(
    "text",
    ["", "unix:", "unix:relative", "unix:/" + "x" * 200, "tls://", "tls://host", "tls://host:0",
     "tls://host:99999", "tls:host:1", "tcp://host:1", "tls://:1"],
)  # fmt: skip
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(BadSignerAddress):
        read_address(text, Path("certificates"))


def test_addresses() -> None:
    assert read_address("unix:/run/s.sock", None) == UnixAddress(Path("/run/s.sock"))
    folder = Path("c")
    assert read_address("tls://[::1]:7", folder) == TlsAddress("::1", 7, folder)
    with pytest.raises(BadSignerAddress, match="certificates"):
        read_address("tls://host:7", None)
