"""One victim, one honest member, and attackers: each attack leaves the two of them talking."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.network_driver import TOPIC, Identity, PeerProcess, attacker

pytestmark = pytest.mark.e2e

ATTACKS = {
    "malformed_rpc": "NET_BAD_FRAME",
    "random_direct": "WIRE_OVERSIZE",
    "truncated_direct": "NET_TRUNCATED_FRAME",
    "oversize_direct": "WIRE_OVERSIZE",
    "oversize_gossip": "WIRE_OVERSIZE",
    "endless_varint": "NET_BAD_FRAME",
    "random_negotiation": "NET_BAD_FRAME",
    "forged_gossip": "WIRE_BAD_SIGNATURE",
    "foreign_topic": "NET_BAD_FRAME",
    "many_streams": "NET_TOO_MANY_STREAMS",
    "window_overrun": "NET_BAD_FRAME",
}
VICTIM, HONEST, STRANGER = Identity(1), Identity(2), Identity(3)
MEMBERS = {
    name: Identity(10 + i)
    for i, name in enumerate([*ATTACKS, "odd_control", "never_reads", "again_and_again"])
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PeerProcess, PeerProcess]]:
    """The victim, who has every attacker in its configuration, and the honest member."""
    logs: Path = tmp_path_factory.mktemp("network")
    victim = PeerProcess(VICTIM, [HONEST, *MEMBERS.values()], logs / "victim")
    honest = PeerProcess(HONEST, [VICTIM], logs / "honest")
    with victim, honest:
        victim.event("PeerUp", peer=HONEST.id)
        honest.event("PeerUp", peer=VICTIM.id)
        yield victim, honest
        assert victim.stop() == 0
        assert honest.stop() == 0
        for process in (victim, honest):
            assert "Traceback" not in process.log.read_text()
            assert "host failed" not in process.log.read_text()


def assert_still_talking(victim: PeerProcess, honest: PeerProcess, word: str) -> None:
    """Both ways, on the direct stream and by gossip, on the connection that was there before."""
    data = word.encode().hex()
    assert victim.ask(do="send", peer=HONEST.id, data=data) == 1
    assert honest.event("Direct", peer=VICTIM.id, data=data)
    assert honest.ask(do="send", peer=VICTIM.id, data=data) == 1
    assert victim.event("Direct", peer=HONEST.id, data=data)
    honest.ask(do="publish", topic=TOPIC, data=data)
    assert victim.event("Gossip", author=HONEST.id, data=data)
    victim.ask(do="publish", topic=TOPIC, data=data)
    assert honest.event("Gossip", author=VICTIM.id, data=data)
    assert HONEST.id in victim.connected()
    assert not [e for e in victim.seen if e.get("event") == "PeerDown" and e["peer"] == HONEST.id]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_member_that_sends_garbage_is_faulted_and_nobody_else_notices(
    attack: str, pair: tuple[PeerProcess, PeerProcess]
) -> None:
    victim, honest = pair
    with attacker(attack, MEMBERS[attack], VICTIM):
        fault = victim.event("PeerFaulted", peer=MEMBERS[attack].id, within_s=15)
        assert fault["reason"].startswith(ATTACKS[attack]), fault
        assert_still_talking(victim, honest, attack)
    assert victim.memory_mb() < 250


def test_odd_control_messages_change_nothing(pair: tuple[PeerProcess, PeerProcess]) -> None:
    victim, honest = pair
    with attacker("odd_control", MEMBERS["odd_control"], VICTIM) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("done")
        assert_still_talking(victim, honest, "odd_control")


def test_a_member_that_never_stops_is_barred_for_growing_times(
    pair: tuple[PeerProcess, PeerProcess],
) -> None:
    victim, honest = pair
    before = victim.counters()
    with attacker("again_and_again", MEMBERS["again_and_again"], VICTIM):
        for _ in range(6):  # two bars: three faults each
            victim.event("PeerFaulted", peer=MEMBERS["again_and_again"].id, within_s=15)
        assert_still_talking(victim, honest, "again_and_again")
        after = victim.counters()
    assert after["bars"] - before["bars"] == 2
    assert after["barred_refused"] > before["barred_refused"]
    assert after["faults"] - before["faults"] == 6


def test_a_member_that_never_reads_costs_bounded_memory_and_is_dropped(
    pair: tuple[PeerProcess, PeerProcess],
) -> None:
    victim, honest = pair
    lazy = MEMBERS["never_reads"]
    before = victim.memory_mb()
    with attacker("never_reads", lazy, VICTIM):
        victim.event("PeerUp", peer=lazy.id)
        queued = victim.ask(do="send", peer=lazy.id, data="00", repeat=1 << 20, times=100)
        assert 8 <= queued < 40, "the queue takes 16 MB, the window a little more"
        assert victim.counters()["direct_refused"] >= 60
        assert victim.memory_mb() - before < 80
        assert_still_talking(victim, honest, "never_reads")
        assert victim.event("PeerDown", peer=lazy.id, within_s=15)
    assert victim.counters()["direct_lost"] >= 8


def test_a_stranger_is_refused_after_the_handshake(pair: tuple[PeerProcess, PeerProcess]) -> None:
    victim, honest = pair
    before = victim.counters()["strangers_refused"]
    with attacker("polite", STRANGER, VICTIM) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("refused")
    assert victim.counters()["strangers_refused"] > before
    assert not [event for event in victim.seen if event.get("peer") == STRANGER.id]
    assert_still_talking(victim, honest, "stranger")


def test_a_member_without_encryption_is_refused(pair: tuple[PeerProcess, PeerProcess]) -> None:
    victim, honest = pair
    with attacker("plaintext", MEMBERS["malformed_rpc"], VICTIM) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("refused")
    assert_still_talking(victim, honest, "plaintext")


def test_garbage_on_the_tcp_port_changes_nothing(pair: tuple[PeerProcess, PeerProcess]) -> None:
    victim, honest = pair
    garbage = [b"", b"\0" * 70_000, b"GET / HTTP/1.1\r\n\r\n", b"\x13/multistream/1.0.0\n" * 9]
    for data in garbage:
        with socket.create_connection(("127.0.0.1", VICTIM.port)) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
    assert_still_talking(victim, honest, "garbage")
