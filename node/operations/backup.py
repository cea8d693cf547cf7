"""Backup of a home while its node runs, and its restoration into an empty place."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from ledger.genesis import genesis_hash
from node.admin_log import record
from node.audit.reading import quick_check, read_store
from node.config import load_config
from node.files import fsync_folder, replace_file
from node.home import Home, HomeExists, HomeIncomplete
from node.operations.archive import (
    CONFIG,
    GENESIS,
    IDENTITY,
    LOOKS,
    RECOVERIES,
    SECRETS,
    STORE,
    BackupUnreadable,
    Manifest,
    Progress,
    entry_of,
    is_blotter,
    is_known,
    read_archive,
    write_archive,
)
from node.sealing import SealedFileUnreadable, seal, unseal
from node.signing.address import CERTIFICATE_FILES
from node.startup import honour_mark
from node.storage.copying import copy_store
from node.storage.migrations import migrate
from wire.version import PROTOCOL_VERSION, SOFTWARE_VERSION, STORE_VERSION

KEY_FILES: Final = ("keys.json", "keys.next.json")


def back_up(
    home: Home, out: Path, now_ms: int, passphrase: str | None, progress: Progress
) -> Manifest:
    """Write a backup of `home` to the new file `out`; its manifest.

    `passphrase`: keys and certificates are put in, sealed under it; None: they are left out.
    `now_ms`: Unix milliseconds. Raises `HomeExists` if `out` exists, `StoreDamaged` and the like.
    """
    if out.exists():
        raise HomeExists(f"{out} exists already")
    honour_mark(home)
    lei, genesis = home.config().lei, home.genesis()
    with tempfile.TemporaryDirectory(prefix=".dcn-backup-", dir=out.parent) as made:
        folder = Path(made)
        height = _gather(home, lei, folder, passphrase, progress)
        names = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
        manifest = Manifest(
            made_ms=now_ms,
            software=SOFTWARE_VERSION,
            protocol=PROTOCOL_VERSION,
            store=STORE_VERSION,
            chain_id=genesis.chain_id,
            genesis_hash=genesis_hash(genesis).hex(),
            lei=lei,
            height=height,
            files={name: entry_of(folder / name) for name in names},
        )
        whole = folder / "archive"
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            write_archive(file, manifest, folder, progress)
            file.flush()
            os.fsync(file.fileno())
        whole.rename(out)
    fsync_folder(out.parent)
    record(home.data, "backup", file=str(out), height=height, keys=passphrase is not None)
    return manifest


def _gather(home: Home, lei: str, folder: Path, passphrase: str | None, progress: Progress) -> int:
    """Put everything that belongs in a backup into `folder`; the height of the store's copy."""
    identity = home.path / IDENTITY
    shutil.copyfile(home.config_file, folder / CONFIG)
    shutil.copyfile(home.genesis_file, folder / GENESIS)
    if identity.exists():
        shutil.copyfile(identity, folder / IDENTITY)
    if home.recoveries.is_dir():
        for one in home.recoveries.iterdir():
            if one.is_file() and is_known(RECOVERIES + one.name):
                (folder / RECOVERIES).mkdir(exist_ok=True)
                shutil.copyfile(one, folder / RECOVERIES / one.name)
    blotter = home.config().trades.blotter
    if blotter and is_blotter(blotter) and (home.path / blotter).exists():
        shutil.copyfile(home.path / blotter, folder / blotter)
    if passphrase is not None:
        (folder / SECRETS).write_bytes(seal(_secrets(home), passphrase))
    if (home.data / LOOKS).exists():
        copy_store(home.data / LOOKS, folder / LOOKS, progress)
    if not home.store.exists():
        return 0
    copy_store(home.store, folder / STORE, progress)
    copied = Home(folder)
    copied.store = folder / STORE
    tip = read_store(copied, lei).tip
    return 0 if tip is None else tip.height


def _secrets(home: Home) -> bytes:
    """The files of secrets as they are: sealed ones stay so under their own passphrase."""
    found = {name: home.path / name for name in _secret_names(home)}
    return msgspec.json.encode({n: p.read_bytes() for n, p in found.items() if p.exists()})


def _secret_names(home: Home) -> tuple[str, ...]:
    """The files of keys, and of the certificates that the configuration names in the home."""
    config = home.config()
    api, signer = config.api, config.signer.certificates
    named = [api.tls_cert, api.tls_key, api.client_ca, api.client_cert, api.client_key]
    if signer:
        named += [f"{signer}/{name}" for name in CERTIFICATE_FILES]
    inside = [n for n in named if n and not Path(n).is_absolute() and ".." not in Path(n).parts]
    return (*KEY_FILES, *dict.fromkeys(inside))


def restore(source: Path, home: Home, passphrase: str | None, progress: Progress) -> Manifest:
    """Make `home`, which is empty or not there, from the backup `source`; its manifest.

    The API token is made anew, and a store of an earlier version is migrated. There is no signer
    state: the node follows until it is safe to vote. `passphrase`: opens the keys; None: they are
    left out, and must be put into place. Raises `HomeExists`, `BackupUnreadable`,
    `PassphraseWrong`; then nothing is left behind.
    """
    if home.path.exists() and (not home.path.is_dir() or any(home.path.iterdir())):
        raise HomeExists(str(home.path))
    parent = home.path.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".dcn-restore-", dir=parent) as made:
        fresh = Home(Path(made) / "home")
        fresh.path.mkdir(mode=0o700)
        manifest = read_archive(source, fresh.path, progress)
        _settle(fresh, manifest, passphrase)
        if home.path.exists():
            home.path.rmdir()  # empty
        fresh.path.rename(home.path)
    fsync_folder(parent)
    record(home.data, "restore", file=str(source), height=manifest.height)
    return manifest


def _settle(fresh: Home, manifest: Manifest, passphrase: str | None) -> None:
    """Put what was unpacked into its places, and check that it is one home."""
    fresh.data.mkdir()
    if STORE in manifest.files:
        (fresh.path / STORE).rename(fresh.store)
        migrate(fresh.store)
    if LOOKS in manifest.files:
        (fresh.path / LOOKS).rename(fresh.data / LOOKS)
    sealed = fresh.path / SECRETS
    if sealed.exists():
        if passphrase is not None:
            _open_secrets(fresh, unseal(sealed.read_bytes(), passphrase))
        sealed.unlink()
    fresh.make_token()
    try:
        genesis = fresh.genesis()
    except HomeIncomplete as error:
        raise BackupUnreadable(error.detail) from None
    if genesis_hash(genesis).hex() != manifest.genesis_hash:
        raise BackupUnreadable("the genesis is not that of the manifest")
    if load_config(fresh.config_file, {}).lei != manifest.lei:
        raise BackupUnreadable("the configuration is not that of the manifest")
    if fresh.store.exists():
        quick_check(fresh)
        tip = read_store(fresh, manifest.lei).tip
        if (0 if tip is None else tip.height) != manifest.height:
            raise BackupUnreadable("the store is not of the manifest's height")


def _open_secrets(fresh: Home, opened: bytes) -> None:
    try:
        files = msgspec.json.decode(opened, type=dict[str, bytes])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SealedFileUnreadable(str(error)) from None
    for name in _secret_names(fresh):
        if name in files:
            (fresh.path / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(fresh.path / name, files[name])
