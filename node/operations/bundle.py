"""A bundle: what a colleague needs to see a problem, and no secret.

Only named files and answers go in, each made for it; keys, token and passphrases are never read
into it (the configuration names files of secrets, and holds none), and trades are not in it: of
blocks there are headers only.
"""

import contextlib
import os
import tarfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import msgspec

from node.audit.reading import last_blocks
from node.blocks import block_id
from node.home import Home, HomeExists
from node.operations.doctor import Finding
from node.passphrase import FILE_VARIABLE
from node.plain import plain
from node.rotation import NEXT_FILE
from wire.errors import CodedError
from wire.version import PROTOCOL_VERSION, SOFTWARE_VERSION, STORE_VERSION

HEADERS: Final = 100
LOG_BYTES: Final = 256 << 10
"""The end of a log that is taken."""

SECRET_BYTES_MIN: Final = 12
"""Of a secret's text: a passphrase has no fewer characters."""

Json = Mapping[str, Any]


def make_bundle(
    home: Home,
    out: Path,
    findings: list[Finding],
    status: Json | None,
    consensus: Json | None,
    log_file: Path | None,
) -> list[str]:
    """Write the bundle to the new file `out`; the names of what is in it.

    `status`, `consensus`: answers of the running node, if one runs. Raises `HomeExists` if `out`
    exists. What cannot be read is in it as the error that says so.
    """
    if out.exists():
        raise HomeExists(f"{out} exists already")
    content = {
        "versions.json": _json(
            {"dcn": SOFTWARE_VERSION, "protocol": PROTOCOL_VERSION, "store": STORE_VERSION}
        ),
        "findings.json": _json(findings),
        "config.json": _json(_or_error(home.config)),
        "headers.json": _json(_or_error(lambda: _headers(home))),
        "files.json": _json(_files(home)),
        "status.json": _json(status),
        "consensus.json": _json(consensus),
    }
    if log_file is not None:
        content["log.txt"] = _end(log_file, _secret_texts(home))
    with tarfile.open(out, "x:gz") as tar:
        for name, data in content.items():
            info = tarfile.TarInfo(f"dcn-bundle/{name}")
            info.size, info.mode = len(data), 0o600
            tar.addfile(info, BytesIO(data))
    out.chmod(0o600)
    return list(content)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value)) + b"\n"


def _or_error(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except CodedError as error:
        return {"error": str(error)}


def _headers(home: Home) -> list[Any]:
    blocks = last_blocks(home, HEADERS)
    return [
        {
            "id": block_id(one.block.header).hex(),
            "round": one.commit.round,
            "votes": len(one.commit.signatures),
            **plain(one.block.header),
        }
        for one in blocks
    ]


def _files(home: Home) -> list[Any]:
    """Names, lengths and rights of the home's files; not what is in them."""
    if not home.path.is_dir():
        return []
    found = [(one, one.stat()) for one in sorted(home.path.rglob("*")) if one.is_file()]
    return [
        {"name": str(one.relative_to(home.path)), "bytes": at.st_size, "mode": oct(at.st_mode)}
        for one, at in found
    ]


def _secret_texts(home: Home) -> list[bytes]:
    """What must not be in a log, and is taken out should it be."""
    paths = [home.token_file, home.keys_file, home.path / NEXT_FILE]
    named = os.environ.get(FILE_VARIABLE)
    paths += [Path(named)] if named else []
    with contextlib.suppress(CodedError):
        api = home.config().api
        paths += [home.path / one for one in (api.tls_key, api.client_key) if one]
    files = [path.read_bytes() for path in paths if path.is_file()]
    texts = [line.strip() for data in files for line in data.splitlines()]
    texts += [word.strip(b'",:[]') for line in texts for word in line.split()]
    # A word of a key that is in hex or base64 is long; a line of a passphrase need not be.
    return sorted({one for one in texts if len(one) >= SECRET_BYTES_MIN}, key=len, reverse=True)


def _end(path: Path, secrets: list[bytes]) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LOG_BYTES))
        data = file.read(LOG_BYTES)
    for secret in secrets:
        data = data.replace(secret, b"(secret)")
    return data
