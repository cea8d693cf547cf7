"""Checks of what surrounds a node: clock, disk, ports, peers, signer. Each yields lines on what is
well, and coded errors for what is not."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator, Mapping
from statistics import median_low
from typing import Any, Final, TypeAlias

from consensus.messages import Certificate, Step
from consensus.signer import SignerState, decode_state
from node.audit.reading import StoreReading
from node.clock import CLOCK_OFF_MS_MAX, off_by_ms
from node.config import EVERY_ADDRESS, Config
from node.home import Home, Keys
from node.network.config import tcp_endpoint
from node.operations.findings import (
    ClockOff,
    DiskShort,
    NetworkSilent,
    PeerNotConnected,
    PeerUnreachable,
    PortSilent,
    PortTaken,
    SignerAway,
    SignerStateLost,
)
from node.operations.sockets import PATIENCE_S, all_answer, answers, free
from node.signing.address import Address, connect, read_address
from node.signing.remote import UNREACHABLE
from wire.errors import CodedError

Found: TypeAlias = Iterator[str | CodedError]

SILENCE_MS_MIN: Final = 30_000
"""A shorter silence is an election of the next proposer, or a restart."""

DISK_FREE_BYTES_MIN: Final = 1 << 30
"""A day of a busy network, with its write-ahead log."""


def check_clock(
    store: StoreReading | None, now_ms: int, running: bool, idle_ms: int, own: bytes | None
) -> Found:
    """This clock against the validators' votes on the last block.

    `now_ms`: Unix milliseconds; `idle_ms`: the pace of empty blocks; `own`: this consensus key.
    """
    if store is None or store.commit is None:
        yield "no block to compare with"
        return
    others = [entry.time_ms for entry in store.commit.signatures if entry.validator != own]
    if not others:  # the only validator: its clock is the network's
        yield "no other validator's vote to compare with"
        return
    off_ms = off_by_ms(store.commit, own, now_ms)
    if abs(off_ms) > CLOCK_OFF_MS_MAX:
        side = "behind" if off_ms < 0 else "ahead of"
        raise ClockOff(f"{abs(off_ms)} ms {side} the votes on block {store.commit.height}")
    age_ms = now_ms - median_low(sorted(others))
    if running and age_ms > max(SILENCE_MS_MIN, 4 * idle_ms):
        raise NetworkSilent(f"the last block, {store.commit.height}, is {age_ms // 1_000} s old")
    yield f"agrees with the votes on block {store.commit.height}"


def check_disk(home: Home) -> Found:
    """Room under the data folder: at least `DISK_FREE_BYTES_MIN`."""
    place = home.data
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    free_mb = usage.free >> 20
    if usage.free < DISK_FREE_BYTES_MIN:
        raise DiskShort(f"{free_mb} MB free under {place}, {DISK_FREE_BYTES_MIN >> 20} needed")
    yield f"{free_mb} MB free"


def check_ports(config: Config, running: bool) -> Found:
    """The node's two ports: held by it while it runs, else free."""
    ends = {
        "network": tcp_endpoint(config.network.listen),
        "api": (config.api.host, config.api.port),
    }
    for name, (host, port) in ends.items():
        if running:
            if _held(host, port):
                yield f"{name}: {host}:{port} is this node's"
            else:
                yield PortSilent(f"{name}: {host}:{port}")
        elif free(host, port):
            yield f"{name}: {host}:{port} is free"
        else:
            yield PortTaken(f"{name}: {host}:{port}")


def _held(host: str, port: int) -> bool:
    return answers(EVERY_ADDRESS.get(host, host), port)


def check_peers(config: Config, connected: frozenset[str] | None) -> Found:
    """Every configured peer's address answers; if the node was asked, it is connected too."""
    peers = sorted(config.network.peers.items())
    if not peers:
        yield "none is configured"
    open_ = all_answer([tcp_endpoint(address) for _, address in peers])
    for (lei, address), answered in zip(peers, open_, strict=True):
        if connected is not None and lei in connected:
            yield f"{lei} is connected"
        elif not answered:
            yield PeerUnreachable(f"{lei} at {address}")
        elif connected is not None:
            yield PeerNotConnected(f"{lei} at {address}")
        else:
            yield f"{lei} answers at {address}"


def check_remote_signer(home: Home, config: Config, status: Mapping[str, Any] | None) -> Found:
    """The signer answers: the running node says so, or it is called from here."""
    folder = home.path / config.signer.certificates if config.signer.certificates else None
    address = read_address(config.signer.address, folder)
    if status is not None:  # a second connection would take the node's place
        if str(status["signer"]).startswith(UNREACHABLE):
            raise SignerAway(config.signer.address)
        yield f"{config.signer.address}: {status['signer']}"
        return
    try:
        asyncio.run(asyncio.wait_for(_call(address), PATIENCE_S))
    except (OSError, TimeoutError) as error:
        raise SignerAway(f"{config.signer.address}: {error or 'no answer'}") from None
    yield f"{config.signer.address} answers"


async def _call(address: Address) -> None:
    _, writer = await connect(address)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def check_signer(home: Home, keys: Keys, store: StoreReading | None) -> Found:
    """The signer's state is here, whole, and knows of the last commit."""
    if store is None or store.member is None or store.member.consensus_key is None:
        yield "this node does not vote"
        return
    if not home.signer_state.exists():
        raise SignerStateLost(f"{home.signer_state} is not there")
    state = decode_state(
        home.signer_state.read_bytes(), home.genesis().chain_id, keys.consensus_key
    )
    if store.commit is not None and not _knows(state, store.commit):
        raise SignerStateLost(f"block {store.commit.height} holds a signature it does not know of")
    last = state.last
    yield "has signed nothing yet" if last is None else f"last signed at height {last.height}"


def _knows(state: SignerState, commit: Certificate) -> bool:
    if all(entry.validator != state.validator for entry in commit.signatures):
        return True
    if commit.height < state.from_height:
        return True
    last = state.last
    return last is not None and (last.height, last.round, last.step) >= (
        commit.height, commit.round, Step.PRECOMMIT,
    )  # fmt: skip
