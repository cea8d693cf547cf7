"""One changed byte, row or file anywhere in a store: `dcn verify` names the height and what."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from node.audit.audit import Audit, audit
from node.home import Home
from node.storage.errors import StoreMissing, StoreOfAnotherChain, StoreVersion
from tests.node.stores import copied

BLOBS = (
    ("blocks", "decided", "height"),
    ("blocks", "id", "height"),
    ("receipts", "receipt", "height"),
    ("receipts", "tx_id", "height"),
    ("results", "result", "height"),
    ("events", "event", "height"),
    ("state", "row", None),
    ("state", "key", None),
    ("meta", "value", None),
    ("validators", "hash", None),
    ("validators", "members", None),
    ("snapshots", "snapshot", "height"),
    ("chunks", "data", "height"),
    ("trail", "light", "height"),
    ("submissions", "tx", None),
    ("submissions", "tx_id", None),
    ("affirmations", "tx", None),
    ("affirmations", "tx_id", None),
    ("affirmed_utis", "tx_id", None),
)
"""Every column of bytes, and the column that says which height it belongs to."""


@pytest.fixture
def home(filled_home: Path, tmp_path: Path) -> Home:
    return copied(filled_home, tmp_path / "home")


def run(home: Home) -> Audit:
    return audit(home, lambda _height, _last: None)


def change(home: Home, query: str, *values: object) -> int:
    """Change the store behind the node's back; how many rows."""
    db = sqlite3.connect(home.store)
    with db:
        count = db.execute(query, values).rowcount
    db.close()
    return count


def found(home: Home, height: int | None, what: str) -> None:
    """The audit names `height`, and says `what`."""
    lines = [(one.height, one.what) for one in run(home).findings]
    assert any(at == height and what in text for at, text in lines), lines


def test_a_sound_store_has_no_findings_and_is_replayed_to_its_last_block(home: Home) -> None:
    seen: list[tuple[int, int]] = []
    result = audit(home, lambda height, last: seen.append((height, last)))
    assert (result.count, result.findings) == (0, [])
    assert result.replayed == result.height == seen[-1][0] == seen[-1][1]


@pytest.mark.parametrize(("table", "column", "height_column"), BLOBS)
def test_a_flipped_byte_is_found_at_its_height(
    filled_home: Path, tmp_path: Path, table: str, column: str, height_column: str | None
) -> None:
    home = copied(filled_home, tmp_path / "home")
    last = run(home).height
    draw = random.Random(f"{table}.{column}")
    db = sqlite3.connect(home.store)
    at = height_column or "0"
    where = "sequence" if table == "events" else None
    rows = db.execute(f"SELECT {column}, {at}, {where or column} FROM {table}").fetchall()
    for raw, height, ident in draw.sample(rows, min(12, len(rows))):
        position = draw.randrange(len(raw))
        flipped = bytearray(raw)
        flipped[position] ^= 1 << draw.randrange(8)
        query = f"UPDATE {table} SET {column}=? WHERE {where or column}=?"
        try:
            with db:
                db.execute(query, (bytes(flipped), ident))
        except sqlite3.IntegrityError:
            continue
        result = run(home)
        heights = [one.height for one in result.findings]
        case = (height, position, result.lines)
        assert result.count > 0, case
        if height_column is not None:
            assert min(h for h in heights if h is not None) == height, case
        elif table in ("state", "meta"):
            assert last in heights, case
        with db:
            key = bytes(flipped) if where is None else ident
            db.execute(query, (raw, key))
    assert run(home).count == 0
    db.close()


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("DELETE FROM blocks WHERE height=10", "blocks are missing"),
        ("DELETE FROM blocks WHERE height=1", "blocks are missing"),
        ("DELETE FROM blocks WHERE height=(SELECT max(height) FROM blocks)", "tip record"),
        ("DELETE FROM receipts WHERE position=1", "receipt"),
        ("DELETE FROM results WHERE position=0", "round result 0"),
        ("DELETE FROM events WHERE sequence=5", "event"),
        (
            "DELETE FROM state WHERE key=(SELECT min(key) FROM state)",
            "state row network is missing",
        ),
        ("DELETE FROM meta", "the tip record is missing"),
        ("DELETE FROM affirmations", "points to no affirmation"),
        ("UPDATE receipts SET position=position+1000", "receipt 0"),
        ("UPDATE events SET height=height+1", "event"),
        ("INSERT INTO state VALUES (x'0bff', x'90')", "surplus state row"),
        ("INSERT INTO meta VALUES ('extra', x'00')", "surplus record"),
        ("INSERT INTO events (height, event) VALUES (2, x'90')", "belongs to nothing"),
        ("INSERT INTO events (height, event) VALUES (9999, x'90')", "without a block"),
        ("INSERT INTO results VALUES (3, 0, x'90')", "belongs to nothing"),
        ("INSERT INTO receipts VALUES (3, 900, x'00', x'90')", "belongs to nothing"),
        ("UPDATE submissions SET status='pending', code='', detail=''", "its receipt says"),
        ("UPDATE submissions SET height=height+1", "its receipt says"),
        ("UPDATE submissions SET valid_until=valid_until+1", "another height"),
        ("UPDATE submissions SET code='OK' WHERE status='rejected'", "its receipt says"),
        ("UPDATE affirmations SET status='odd'", "has status"),
        ("UPDATE affirmations SET counterparty='NOBODY'", "no party"),
        ("UPDATE affirmations SET differences=x'c1'", "its differences"),
        ("UPDATE blotter SET uti=uti||'X'", "of another trade"),
        ("UPDATE state SET row='text' WHERE key=(SELECT max(key) FROM state)", "not what replay"),
    ],
)
def test_deleted_surplus_and_altered_rows_are_found(home: Home, query: str, what: str) -> None:
    assert change(home, query) > 0
    lines = run(home).lines
    assert any(what in line for line in lines), lines


def test_a_gap_names_the_first_missing_height(home: Home) -> None:
    change(home, "DELETE FROM blocks WHERE height BETWEEN 10 AND 12")
    found(home, 10, "blocks are missing up to height 12")


def test_two_blocks_that_have_changed_places_are_found(home: Home) -> None:
    change(home, "UPDATE blocks SET height=-7 WHERE height=7")
    change(home, "UPDATE blocks SET height=7 WHERE height=8")
    change(home, "UPDATE blocks SET height=8 WHERE height=-7")
    found(home, 7, "the block says it is number 8")
    found(home, 8, "the block says it is number 7")


def test_two_state_rows_that_have_changed_places_are_found(home: Home) -> None:
    db = sqlite3.connect(home.store)
    rows = db.execute("SELECT key, row FROM state WHERE substr(key,1,1)=x'08'").fetchall()
    (one, first), (other, second) = rows[0], rows[1]
    with db:
        db.execute("UPDATE state SET row=? WHERE key=?", (second, one))
        db.execute("UPDATE state SET row=? WHERE key=?", (first, other))
    db.close()
    assert first != second
    result = run(home)
    assert result.count == 2
    assert all("state row balance" in line for line in result.lines)


def test_every_finding_is_named_not_only_the_first(home: Home) -> None:
    """A block that cannot be read ends the replay, not the checks of what comes after it."""
    change(home, "UPDATE blocks SET decided=x'c1' WHERE height=5")
    change(home, "UPDATE blocks SET decided=decided||x'00' WHERE height=20")
    change(home, "UPDATE blocks SET id=zeroblob(32) WHERE height=25")
    change(home, "UPDATE receipts SET receipt=receipt||x'00' WHERE height>5")
    result = run(home)
    heights = [one.height for one in result.findings]
    assert {5, 20, 25} <= {*heights}
    assert any("stored receipts have root" in line for line in result.lines)
    assert result.replayed == 4


def test_a_forged_signature_in_a_commit_does_not_end_the_replay(home: Home) -> None:
    from node.blocks import decode_decided
    from wire.codec import encode

    db = sqlite3.connect(home.store)
    (raw,) = db.execute("SELECT decided FROM blocks WHERE height=9").fetchone()
    decided = decode_decided(raw)
    signature = decided.commit.signatures[0].signature
    assert encode(decided).count(signature) == 1
    with db:
        forged = raw.replace(signature, bytes(64))
        db.execute("UPDATE blocks SET decided=? WHERE height=9", (forged,))
    db.close()
    result = run(home)
    assert result.lines == [
        line for line in result.lines if line.startswith("height 9: the commit")
    ]
    assert result.count == 1
    assert result.replayed == result.height


@pytest.mark.parametrize(
    ("name", "damage", "what"),
    [
        ("signer.state", lambda data: data[:-1] + bytes([data[-1] ^ 1]), "signer.state"),
        ("consensus.log", lambda data: b"X" + data[1:], "LOG_DAMAGED"),
        ("consensus.log", lambda data: data[:30] + bytes([data[30] ^ 1]) + data[31:], "record 0"),
    ],
)
def test_signer_state_and_consensus_log_are_read(
    home: Home, name: str, damage: Callable[[bytes], bytes], what: str
) -> None:
    path = home.data / name
    path.write_bytes(damage(path.read_bytes()))
    assert any(what in line for line in run(home).lines), run(home).lines


def test_a_torn_last_record_of_the_log_is_what_a_crash_leaves(home: Home) -> None:
    before = home.log.read_bytes()
    home.log.write_bytes(before[:-1])
    assert run(home).count == 0
    assert home.log.read_bytes() == before[:-1]


def test_every_byte_of_the_file_may_be_hit_without_a_traceback(home: Home) -> None:
    data = home.store.read_bytes()
    draw = random.Random(5)
    for _ in range(60):
        position = draw.randrange(len(data))
        flipped = bytearray(data)
        flipped[position] ^= 1 << draw.randrange(8)
        home.store.write_bytes(bytes(flipped))
        try:
            assert run(home).height >= 0
        except StoreVersion:
            assert 60 <= position < 64
    home.store.write_bytes(data)
    assert run(home).count == 0


def test_no_store_and_another_networks_store_are_errors_not_findings(home: Home) -> None:
    import msgspec

    from wire.codec import encode

    genesis = home.genesis()
    home.genesis_file.write_bytes(encode(msgspec.structs.replace(genesis, chain_id="other")))
    with pytest.raises(StoreOfAnotherChain):
        run(home)
    home.store.unlink()
    with pytest.raises(StoreMissing):
        run(home)
