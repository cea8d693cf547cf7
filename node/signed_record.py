"""What the keystore has signed for clients of the API, day by day: `data/signed.log`.

A line a signature, on the disk before the signature is made: a node that is killed in between has
counted too much, never too little. Days are the ledger's (UTC, by block time), so that no clock of
this machine moves them.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from node.files import fsync_folder, replace_file
from wire.errors import EnvironmentFault

NAME: Final = "signed.log"
DAY_MS: Final = 86_400_000

DAYS_KEPT: Final = 2
"""Today's are counted; those of the day before still tell what has been signed already."""


class SignedRecordDamaged(EnvironmentFault):
    """The record of what was signed today cannot be read, so nobody knows what is left."""

    code = "POLICY_RECORD"
    remedy = (
        "Look at `data/signed.log` and `data/admin.log`; without the file, all of today's limits "
        "are to be used anew."
    )


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key of a role has signed."""

    day: int
    """Days since 1970 by the ledger's time."""
    role: str
    ident: str
    """Of exactly what was signed: signed again, it is not counted again."""
    amounts: dict[str, int]
    """Minor units by asset."""


class SignedRecord:
    """The record of one node."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: the file; None: it is kept in memory only."""
        self._path = path
        self._entries: dict[tuple[str, str], Entry] | None = None
        self._sums: dict[tuple[int, str], Counter[str]] = {}

    def of(self, day: int, role: str) -> Mapping[str, int]:
        """What a role has signed on a day; raises `SignedRecordDamaged`."""
        self._known()
        return self._sums.get((day, role), Counter())

    def newest(self) -> int:
        """The last day on which something was signed; 0: none. Raises `SignedRecordDamaged`."""
        return max((entry.day for entry in self._known().values()), default=0)

    def has(self, role: str, ident: str) -> bool:
        """Whether this was signed, today or yesterday; raises `SignedRecordDamaged`."""
        return (role, ident) in self._known()

    def add(self, entries: Iterable[Entry]) -> None:
        """Write down what is about to be signed; raises `SignedRecordDamaged`."""
        known = self._known()
        fresh = list({(x.role, x.ident): x for x in entries
                      if (x.role, x.ident) not in known}.values())  # fmt: skip
        if not fresh:
            return
        oldest = max(entry.day for entry in fresh) - DAYS_KEPT + 1
        if any(entry.day < oldest for entry in known.values()):
            self._take([one for one in known.values() if one.day >= oldest])
            self._rewrite()
        try:
            self._append(fresh)
        except OSError:
            self._entries = None  # what of it is in the file is read again
            raise
        self._take([*self._known().values(), *fresh])

    def _known(self) -> dict[tuple[str, str], Entry]:
        if self._entries is None:
            self._take(_read(self._path))
        assert self._entries is not None
        return self._entries

    def _take(self, entries: list[Entry]) -> None:
        self._entries = {(entry.role, entry.ident): entry for entry in entries}
        self._sums = {}
        for entry in self._entries.values():
            self._sums.setdefault((entry.day, entry.role), Counter()).update(entry.amounts)

    def _rewrite(self) -> None:
        if self._path is not None:
            replace_file(self._path, b"".join(map(_line, self._known().values())))

    def _append(self, entries: list[Entry]) -> None:
        if self._path is None:
            return
        made = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # Buffered: a raw write that finds little room on the disk writes a part, and says no word.
        with os.fdopen(descriptor, "ab") as file:
            file.write(b"".join(map(_line, entries)))
            file.flush()
            os.fsync(file.fileno())
        if made:
            fsync_folder(self._path.parent)


def _line(entry: Entry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"


def _read(path: Path | None) -> list[Entry]:
    """The entries of a file; a last line that is not whole was never signed after."""
    if path is None or not path.exists():
        return []
    try:
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:  # the next line is not to be joined to it
            replace_file(path, whole)
        return [msgspec.json.decode(line, type=Entry) for line in whole.splitlines()]
    except (OSError, msgspec.MsgspecError) as error:
        raise SignedRecordDamaged(f"{path}: {error}") from None
