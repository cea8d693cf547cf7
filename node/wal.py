"""The consensus log: an append-only file of records, flushed before anything they led to is sent.

Head: magic, version, height. Record: length (u32 LE), CRC-32C (u32 LE), bytes. A file holds one
height; the next height starts a new file, atomically. A torn tail is cut at the last whole record.
"""

import os
import struct
from pathlib import Path
from typing import Final

import msgspec
import structlog
from crc32c import crc32c

from node.files import fsync_folder
from node.storage.errors import LogDamaged
from wire.limits import FRAME_BYTES_MAX

log = structlog.get_logger("wal")

MAGIC: Final = b"DCNLOG"
VERSION: Final = 1
_HEAD: Final = struct.Struct("<6sHQ")
_RECORD: Final = struct.Struct("<II")


class ConsensusLog:
    """One log file, open for appending."""

    def __init__(self, path: Path) -> None:
        """Open or create; `records` are what is in it. Raises `LogDamaged`."""
        self._path = path
        self.height = 0
        self.records: tuple[bytes, ...] = ()
        self.cut_bytes = 0
        """Bytes of a torn tail that were cut off at opening."""
        if path.exists():
            self._read()
        else:
            self._create(0)
        self._file = path.open("ab")

    def append(self, height: int, records: tuple[bytes, ...]) -> None:
        """Append and flush to the disk; a new height starts a new file."""
        if height != self.height:
            self._file.close()
            self._create(height)
            self._file = self._path.open("ab")
        self._file.write(framed(records))
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _create(self, height: int) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(head(height))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        fsync_folder(self._path.parent)
        self.height = height

    def _read(self) -> None:
        log_ = read_log(self._path)
        self.height = log_.height
        self.records = log_.records
        self.cut_bytes = log_.size - log_.end
        if self.cut_bytes:
            log.warning(
                "log_cut", path=str(self._path), bytes=self.cut_bytes, kept=len(log_.records)
            )
            with self._path.open("r+b") as file:
                file.truncate(log_.end)
                os.fsync(file.fileno())


class LogContent(msgspec.Struct, frozen=True):
    """What a log file holds."""

    height: int
    records: tuple[bytes, ...]
    """Up to the first that is torn or damaged."""
    end: int
    """Where the whole records end."""
    size: int
    """Of the file, in bytes."""
    damaged: bool
    """Whether a whole record with a wrong checksum stands at `end` and more than zeros follows: a
    crash tears only the last one."""


def head(height: int) -> bytes:
    """The head of the log of `height`."""
    return _HEAD.pack(MAGIC, VERSION, height)


def framed(records: tuple[bytes, ...]) -> bytes:
    """`records` as they stand in the file; none is empty, see `parsed`."""
    assert all(records), "an empty record"
    return b"".join(_RECORD.pack(len(r), crc32c(r)) + r for r in records)


def read_log(path: Path) -> LogContent:
    """The content of a log file, which is left as it is; raises `LogDamaged`."""
    return parsed(path.read_bytes(), str(path))


def parsed(data: bytes, name: str) -> LogContent:
    """The content of a log file called `name` that holds `data`; raises `LogDamaged`.

    A crash of the machine can leave a tail of zeros where data was not yet written; eight of them
    would be the head of an empty record, so there is none.
    """
    if len(data) < _HEAD.size:
        raise LogDamaged(f"{name} has {len(data)} bytes")
    magic, version, height = _HEAD.unpack_from(data)
    if magic != MAGIC or version != VERSION:
        raise LogDamaged(f"{name}: {magic!r} version {version}")
    records: list[bytes] = []
    at = _HEAD.size
    damaged = False
    while at + _RECORD.size <= len(data):
        length, checksum = _RECORD.unpack_from(data, at)
        record = data[at + _RECORD.size : at + _RECORD.size + length]
        whole = 0 < length <= 2 * FRAME_BYTES_MAX and len(record) == length
        if not whole or crc32c(record) != checksum:
            damaged = any(data[at + _RECORD.size + length :])
            break
        records.append(record)
        at += _RECORD.size + length
    return LogContent(height, tuple(records), at, len(data), damaged)
