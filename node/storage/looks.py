"""`data/looks.sqlite`: the looks of an authority's people, with what it takes to disclose them.

Not in the read store, which can be made again from the blocks: the salts and the words of a look
are nowhere else until it is disclosed. Every change is on the disk before it counts.
"""

import sqlite3
from pathlib import Path
from typing import Any, Final, NamedTuple

from ledger.mandates import digest_of
from ledger.objects import Look
from wire.codec import Digest, decode, encode

FILE: Final = "looks.sqlite"
LOOK_BYTES_MAX: Final = 1 << 16

MADE, COMMITTED, DISCLOSED = range(3)
"""Not yet on the ledger; there by its hash; there in full."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS looks (
  digest BLOB PRIMARY KEY, look BLOB NOT NULL, routine INTEGER NOT NULL, state INTEGER NOT NULL,
  person TEXT NOT NULL, member TEXT NOT NULL, mandate TEXT NOT NULL, what TEXT NOT NULL,
  time_ms INTEGER NOT NULL, disclosure_blocks INTEGER NOT NULL, due INTEGER NOT NULL,
  asked INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS looks_by_state ON looks (state);
CREATE INDEX IF NOT EXISTS looks_by_person ON looks (person, member, what, time_ms);
"""
CHOSEN: Final = "SELECT digest, look, routine, state, disclosure_blocks, due, asked FROM looks"


class Kept(NamedTuple):
    """A look, and where it stands."""

    digest: Digest
    look: Look
    routine: bool
    state: int
    disclosure_blocks: int
    due: int
    """Last block to disclose it in; 0: it is not on the ledger yet."""
    asked: int
    """The height at which the ledger was last asked to take the next step; 0: never."""


class Register:
    """The looks of one home."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / FILE)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(SCHEMA)

    def seen_since(self, look: Look, since_ms: int) -> bool:
        """Whether the same person has looked at the same, under the same mandate, since then."""
        query = (
            "SELECT 1 FROM looks WHERE person=? AND member=? AND what=? AND time_ms>=? "
            "AND mandate=? LIMIT 1"
        )
        values = (look.person, look.member, look.what, since_ms, look.mandate)
        return self._db.execute(query, values).fetchone() is not None

    def put(self, looks: list[Look], *, routine: bool, disclosure_blocks: int, asked: int) -> None:
        """Keep new looks."""
        with self._db:
            self._db.executemany(
                "INSERT INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                [
                    (
                        digest_of(one), encode(one), routine, MADE, one.person, one.member,
                        one.mandate, one.what, one.time_ms, disclosure_blocks, asked,
                    )
                    for one in looks
                ],
            )  # fmt: skip

    def drop(self, looks: list[Look]) -> None:
        """Forget looks that were refused before anything was shown."""
        with self._db:
            self._db.executemany(
                "DELETE FROM looks WHERE digest=? AND state=?",
                [(digest_of(one), MADE) for one in looks],
            )

    def step(self, digest: Digest, state: int, due: int) -> None:
        """A look has reached a state."""
        with self._db:
            query = "UPDATE looks SET state=?, due=MAX(due, ?), asked=0 WHERE digest=?"
            self._db.execute(query, (state, due, digest))

    def ask(self, digests: list[Digest], height: int) -> None:
        """The ledger is asked at `height` to take the next step of looks."""
        with self._db:
            self._db.executemany(
                "UPDATE looks SET asked=? WHERE digest=?", [(height, one) for one in digests]
            )

    def open(self) -> list[Kept]:
        """Looks that are not disclosed, oldest first."""
        rows = self._db.execute(f"{CHOSEN} WHERE state<? ORDER BY time_ms, digest", (DISCLOSED,))
        return [_kept(row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _kept(row: tuple[Any, ...]) -> Kept:
    digest, look, routine, state, disclosure_blocks, due, asked = row
    read = decode(look, Look, LOOK_BYTES_MAX)
    return Kept(digest, read, bool(routine), state, disclosure_blocks, due, asked)
