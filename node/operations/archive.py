"""The form of a backup: a tar file whose first entry is a manifest with the hash of all others.

The signer's state and the consensus log are never in it: an older copy of them brought back could
have the key sign two things at one place (docs/SIGNER.md). A home without them follows until it is
safe to vote.
"""

import hashlib
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO, Annotated, Final, Literal

import msgspec

from wire.errors import EnvironmentFault

MANIFEST: Final = "manifest.json"
MANIFEST_BYTES_MAX: Final = 1 << 20
CHUNK_BYTES: Final = 1 << 20
STORE: Final = "store.sqlite"
LOOKS: Final = "looks.sqlite"
"""An authority's looks that are to be disclosed: nothing else has their words and salts."""
SECRETS: Final = "secrets.sealed"
CONFIG: Final = "config.toml"
GENESIS: Final = "genesis.dcn"
IDENTITY: Final = "identity.json"
RECOVERIES: Final = "recoveries/"

Progress = Callable[[int, int], None]
"""Called with what is done, and of how much."""


class BackupUnreadable(EnvironmentFault):
    """A file is not a backup of this form, or what is in it is not what its manifest says."""

    code = "BACKUP_UNREADABLE"
    remedy = "Copy the file again from where it is kept, or take another backup."


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a backup."""

    bytes: Annotated[int, msgspec.Meta(ge=0)]
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a backup is of, and the hash of every file in it."""

    backup: Literal[1] = 1
    """Version of this form."""
    made_ms: int
    """Unix milliseconds, by the clock of the machine that made it."""
    software: str
    protocol: int
    store: int
    chain_id: str
    genesis_hash: str
    lei: str
    height: int
    """Of the last block in the store; 0: no block, or no store."""
    files: dict[str, Entry]


def is_known(name: str) -> bool:
    """Whether a backup may hold an entry of this name: nothing that leads out of a home."""
    if name.startswith(RECOVERIES):
        rest = name.removeprefix(RECOVERIES)
        return bool(rest) and "/" not in rest and not rest.startswith(".") and rest.isprintable()
    return name in (STORE, LOOKS, SECRETS, CONFIG, GENESIS, IDENTITY) or is_blotter(name)


def is_blotter(name: str) -> bool:
    """Whether this can be the name of the operator's own book, beside the configuration."""
    return name.endswith(".csv") and "/" not in name and name[0] != "." and name.isprintable()


def entry_of(path: Path) -> Entry:
    """Length and hash of a file."""
    digest, count = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
            count += len(piece)
    return Entry(count, digest.hexdigest())


def write_archive(out: IO[bytes], manifest: Manifest, folder: Path, progress: Progress) -> None:
    """Write the files of `folder` that `manifest` names, after the manifest, compressed."""
    total, done = sum(entry.bytes for entry in manifest.files.values()), 0
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=3) as tar:
        head = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
        tar.addfile(_head(MANIFEST, len(head)), BytesIO(head))
        for name, entry in manifest.files.items():
            with (folder / name).open("rb") as file:
                tar.addfile(_head(name, entry.bytes), file)
            done += entry.bytes
            progress(done, total)


def _head(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def read_archive(path: Path, folder: Path, progress: Progress) -> Manifest:
    """Unpack a backup into the empty `folder`, every byte compared with the manifest.

    Raises `BackupUnreadable`; then what was unpacked so far is worth nothing.
    """
    try:
        with tarfile.open(path, mode="r|gz") as tar:
            return _unpacked(tar, folder, progress)
    except (tarfile.TarError, EOFError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupUnreadable(f"{path}: {error}") from None
    except OSError as error:
        if error.filename is not None:
            raise  # the disk's, not the archive's
        raise BackupUnreadable(f"{path}: {error}") from None


def _unpacked(tar: tarfile.TarFile, folder: Path, progress: Progress) -> Manifest:
    manifest: Manifest | None = None
    left: dict[str, Entry] = {}
    total = done = 0
    for member in tar:
        content = tar.extractfile(member) if member.isreg() else None
        if content is None:
            raise BackupUnreadable(f"{member.name[:60]!r} is not a file")
        if manifest is None:
            if member.name != MANIFEST or member.size > MANIFEST_BYTES_MAX:
                raise BackupUnreadable("it does not begin with a manifest")
            manifest = msgspec.json.decode(content.read(), type=Manifest)
            left = dict(manifest.files)
            total = sum(entry.bytes for entry in left.values())
            continue
        entry = left.pop(member.name, None)
        if entry is None or not is_known(member.name):
            raise BackupUnreadable(f"{member.name[:60]!r} does not belong in it")
        _unpack(content, folder / member.name, entry)
        done += entry.bytes
        progress(done, total)
    if manifest is None or left:
        raise BackupUnreadable(f"it ends before {', '.join(sorted(left)) or 'its manifest'}")
    return manifest


def _unpack(content: IO[bytes], path: Path, entry: Entry) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    digest, count = hashlib.sha256(), 0
    with path.open("xb") as file:
        path.chmod(0o600)
        while piece := content.read(min(CHUNK_BYTES, entry.bytes - count + 1)):
            count += len(piece)
            if count > entry.bytes:
                break
            digest.update(piece)
            file.write(piece)
    if (count, digest.hexdigest()) != (entry.bytes, entry.sha256):
        raise BackupUnreadable(f"{path.name} is not what the manifest says")
