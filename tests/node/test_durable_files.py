"""The consensus log and the signer's file: whole or cut, never wrong."""

from pathlib import Path

import pytest

from consensus.errors import BadSignerState
from consensus.messages import Vote, VoteKind
from consensus.signer import SignerGone
from node.files import replace_file
from node.signer import FileSigner
from node.storage.errors import LogDamaged
from node.wal import ConsensusLog, read_log
from wire.signing import SigningKey

KEY = SigningKey(b"v" * 32)


def vote(height: int, block: bytes | None = None, time_ms: int = 5) -> Vote:
    return Vote(VoteKind.PREVOTE, height, 0, block, time_ms, KEY.public, b"")


def log_with(path: Path, *records: bytes) -> None:
    log = ConsensusLog(path)
    log.append(3, records)
    log.close()


def read(path: Path) -> ConsensusLog:
    log = ConsensusLog(path)
    log.close()
    return log


def test_records_survive_a_restart_in_order(tmp_path: Path) -> None:
    log_with(tmp_path / "log", b"one", b"2", b"three" * 1_000)
    again = ConsensusLog(tmp_path / "log")
    assert (again.height, again.records) == (3, (b"one", b"2", b"three" * 1_000))
    again.append(3, (b"four",))
    again.close()
    assert read(tmp_path / "log").records[-1] == b"four"


def test_a_torn_tail_is_cut_at_the_last_whole_record(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log_with(path, b"one", b"two")
    whole = path.read_bytes()
    for torn in range(1, len(b"two") + 8 + 1):
        path.write_bytes(whole[:-torn])
        again = read(path)
        assert again.records == (b"one",)
        assert again.cut_bytes == (len(b"two") + 8 - torn)
        assert read(path).cut_bytes == 0


@pytest.mark.parametrize("zeros", [1, 8, 9, 4_096])
def test_a_tail_of_zeros_is_no_record(tmp_path: Path, zeros: int) -> None:
    path = tmp_path / "log"
    log_with(path, b"one")
    path.write_bytes(path.read_bytes() + bytes(zeros))
    assert not read_log(path).damaged
    again = read(path)
    assert (again.records, again.cut_bytes) == ((b"one",), zeros)


def test_a_flipped_byte_ends_the_log_there(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log_with(path, b"one", b"two", b"three")
    data = bytearray(path.read_bytes())
    data[data.index(b"two")] ^= 1
    path.write_bytes(data)
    assert read(path).records == (b"one",)


def test_a_new_height_starts_a_new_file(tmp_path: Path) -> None:
    log = ConsensusLog(tmp_path / "log")
    log.append(1, (b"a",))
    log.append(2, (b"b",))
    log.close()
    again = read(tmp_path / "log")
    assert (again.height, again.records) == (2, (b"b",))


@pytest.mark.parametrize("data", [b"", b"DCN", b"XXXLOG" + bytes(10), b"DCNLOG\x09\x00" + bytes(8)])
def test_a_file_that_is_no_log_is_not_overwritten(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(LogDamaged):
        ConsensusLog(tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == data


def test_the_signer_remembers_across_restarts_what_it_signed(tmp_path: Path) -> None:
    path = tmp_path / "signer.state"
    FileSigner.create(path, "chain", KEY)
    first = FileSigner(path, "chain", KEY).sign(vote(4))
    assert first is not None
    again = FileSigner(path, "chain", KEY)
    assert again.sign(vote(4)) == first
    assert again.sign(vote(4, b"x" * 32)) is None
    assert again.sign(vote(4, time_ms=6)) is None
    assert again.sign(vote(3)) is None
    assert again.sign(vote(5)) is not None


def test_a_signer_without_its_file_signs_nothing_below_what_is_safe(tmp_path: Path) -> None:
    path = tmp_path / "signer.state"
    lost = FileSigner(path, "chain", KEY)
    assert lost.signing() is SignerGone.LOST
    assert lost.sign(vote(4)) is None
    assert not path.exists()
    lost.raise_floor(9)
    for signer in (lost, FileSigner(path, "chain", KEY)):
        assert signer.sign(vote(8)) is None
    assert lost.sign(vote(9)) is not None
    lost.raise_floor(3)
    assert FileSigner(path, "chain", KEY).sign(vote(8)) is None


def test_a_damaged_signer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signer.state"
    FileSigner.create(path, "chain", KEY)
    FileSigner(path, "chain", KEY).sign(vote(4))
    good = path.read_bytes()
    for position in range(0, len(good), 7):
        bad = bytearray(good)
        bad[position] ^= 0x40
        path.write_bytes(bad)
        with pytest.raises(BadSignerState):
            FileSigner(path, "chain", KEY)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
