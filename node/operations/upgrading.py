"""An upgrade of a home: its store is copied, then brought to the version of this program."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from node.admin_log import record
from node.files import fsync_folder
from node.home import Home
from node.operations.findings import DiskShort
from node.startup import honour_mark
from node.storage.copying import copy_store
from node.storage.migrations import migrate, standing_of, steps_from
from node.upgrade import require_version
from wire.version import SOFTWARE_VERSION, STORE_VERSION

Progress = Callable[[int, int], None]
"""Called with what is done, and of how much."""


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """What an upgrade does, or has done."""

    software: str
    store_from: int
    store_to: int
    steps: list[str]
    backup: str | None
    """Where the store is as it was; None: it is of this version already."""
    height: int
    """Of the last block."""


def plan(home: Home) -> Upgrade:
    """What `upgrade` would do.

    Raises `UpgradeDue`, `UpgradeTooEarly` if another version is agreed on for the next block, and
    `StoreVersion`, `StoreMissing`, `StoreDamaged`.
    """
    honour_mark(home)
    found, height = standing_of(home.store)
    require_version(home.config().upgrade, height)
    steps = steps_from(home.store, found)
    return Upgrade(
        software=SOFTWARE_VERSION,
        store_from=found,
        store_to=STORE_VERSION,
        steps=[f"{step.to}: {step.says}" for step in steps],
        backup=str(backup_of(home, found)) if steps else None,
        height=height,
    )


def upgrade(home: Home, progress: Progress) -> Upgrade:
    """Bring the store of `home`, whose node does not run, to this version.

    The store as it was is kept beside it; an interrupted upgrade goes on where it was. Raises
    `DiskShort`, and as `plan`.
    """
    found = plan(home)
    if found.backup is not None:
        _copy(home, Path(found.backup), progress)
        migrate(home.store)
        record(home.data, "upgrade", store_from=found.store_from, store_to=found.store_to)
    return found


def backup_of(home: Home, version: int) -> Path:
    """Where the store of an earlier version is kept."""
    return home.data / f"store-v{version}.sqlite"


def _copy(home: Home, target: Path, progress: Progress) -> None:
    """Copy the store to `target`, whole or not at all; what is there from before stays."""
    if target.exists():
        return
    size, free = home.store.stat().st_size, shutil.disk_usage(home.data).free
    if free < 2 * size:
        raise DiskShort(f"{free >> 20} MB free under {home.data}, {2 * size >> 20} needed")
    fresh = target.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    copy_store(home.store, fresh, progress)
    descriptor = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.rename(target)
    fsync_folder(home.data)
