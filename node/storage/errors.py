"""What can be wrong with a node's files, each with what to do about it."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from wire.errors import EnvironmentFault


class StoreDamaged(EnvironmentFault):
    """Stored data is not what it was: a root, hash, signature or digest does not match."""

    code = "STORE_DAMAGED"
    remedy = (
        "Run `dcn verify` for the full finding. Then `dcn reset --store` moves the store aside, "
        "keys and signer state stay, and the node fetches and verifies every block anew."
    )


class StoreUnusable(EnvironmentFault):
    """SQLite cannot work with the store's file at this moment: locked, no space, no rights."""

    code = "STORE_UNUSABLE"
    remedy = "Check disk space, rights, and who else has the file open; then `dcn verify`."


class DiskFull(EnvironmentFault):
    """The disk, or what this user may use of it, is full: the node stops, and has lost nothing."""

    code = "DISK_FULL"
    remedy = (
        "Make room (`dcn prune`, `data/aside-*`, `data/store-v*`) or a larger disk, and start the "
        "node: it goes on where it was."
    )


class StoreMissing(EnvironmentFault):
    """There is no store: the node has never run in this home, or the file is gone."""

    code = "STORE_MISSING"
    remedy = "Name the node's home with `--home`; `dcn run` makes the store and fills it."


class StoreVersion(EnvironmentFault):
    """The store was written by a version of the software that this one knows no way from."""

    code = "STORE_VERSION"
    remedy = "Run the version that wrote it, or one that says it can migrate it."


class StoreOutdated(EnvironmentFault):
    """The store was written by an earlier version of the software, and has to be migrated."""

    code = "STORE_OUTDATED"
    remedy = "Run `dcn upgrade`: it keeps the store as it was, and migrates it."


class StoreOfAnotherChain(EnvironmentFault):
    """The store belongs to another genesis."""

    code = "STORE_OTHER_CHAIN"
    remedy = "Use the home directory of this network, or restore its genesis file."


class LogDamaged(EnvironmentFault):
    """The consensus log's head is not one of this version."""

    code = "LOG_DAMAGED"
    remedy = "Move the file `consensus.log` aside; the signer's state keeps the node safe."


SQLITE_NO_ROOM: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE)
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def no_room(error: BaseException) -> DiskFull | None:
    """What the operating system says of a write that found no room; None: it says another thing."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return DiskFull(f"{error.filename or 'a file'} cannot be written: {error.strerror}")
    return None


@contextmanager
def as_stored() -> Iterator[None]:
    """What SQLite says of a file, in this program's terms: damaged, or not usable just now."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in SQLITE_NO_ROOM:
            raise DiskFull(f"the store cannot be written: {error}") from None
        raise StoreUnusable(str(error)) from None
    except (sqlite3.DatabaseError, TypeError) as error:  # TypeError: text or null where bytes stand
        raise StoreDamaged(f"the store cannot be read: {error}") from None
