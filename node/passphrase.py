"""Where the passphrase of a sealed file comes from: a file, a systemd credential, or a prompt."""

import getpass
import os
import sys
from functools import cache
from pathlib import Path
from typing import Final

from wire.errors import EnvironmentFault

FILE_VARIABLE: Final = "DCN_PASSPHRASE_FILE"
CREDENTIAL: Final = "dcn.passphrase"
"""Name in `LoadCredential=` or `LoadCredentialEncrypted=` of the systemd unit."""


class PassphraseMissing(EnvironmentFault):
    """A file is sealed, and nobody says under which passphrase."""

    code = "PASSPHRASE_MISSING"
    remedy = (
        "Set DCN_PASSPHRASE_FILE to a file that holds it, give the unit the credential "
        "`dcn.passphrase`, or run the command in a terminal: it asks."
    )


def passphrase_of(path: Path) -> str:
    """The first line of a passphrase file; raises `PassphraseMissing`."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PassphraseMissing(f"{path}: {error}") from None
    if not lines or not lines[0]:
        raise PassphraseMissing(f"{path} is empty")
    return lines[0]


def passphrase() -> str:
    """The passphrase of this process's keystore; raises `PassphraseMissing`."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return passphrase_of(Path(named))
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (credential := Path(folder) / CREDENTIAL).exists():
        return passphrase_of(credential)
    if not _at_terminal():
        raise PassphraseMissing("no file, no credential, no terminal")
    return _prompted()


def chosen(file: Path | None, what: str) -> str:
    """A fresh passphrase for `what`: of a file, or asked for twice. Raises `PassphraseMissing`."""
    if file is not None:
        return passphrase_of(file)
    if not _at_terminal():
        raise PassphraseMissing(f"no passphrase for {what}, and no terminal to ask at")
    first = getpass.getpass(f"New passphrase for {what}: ")
    if getpass.getpass("Once more: ") != first:
        raise PassphraseMissing("the two entries differ")
    return first


def _at_terminal() -> bool:
    return sys.stdin.isatty()


@cache
def _prompted() -> str:
    """Asked once a process."""
    return getpass.getpass("Passphrase of the keystore: ")
