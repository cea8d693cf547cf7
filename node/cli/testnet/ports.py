"""Ports on the loopback."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import Final

from wire.errors import EnvironmentFault

HOST: Final = "127.0.0.1"

LOWEST: Final = 10_240
HIGHEST: Final = 32_767
"""Above those of services, below those that kernels give to outgoing connections (Linux: from
32768, the others and RFC 6335: from 49152): such a one may be taken between finding it free and
listening on it."""


class PortsTaken(EnvironmentFault):
    """There are not enough free ports on the loopback."""

    code = "TESTNET_PORTS_TAKEN"
    remedy = "End what listens on them (`ss -ltn`), or ask for fewer nodes."


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment, and that no process of this user is given soon.

    All testnets on a machine go round the ports together: a file says where the last one stopped.
    Raises `PortsTaken`.
    """
    cursor = Path(tempfile.gettempdir()) / f"dcn-ports-{os.getuid()}"
    with os.fdopen(os.open(cursor, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said = file.read().strip()
        port = int(said) if said.isdecimal() and LOWEST <= int(said) <= HIGHEST else LOWEST
        found: list[int] = []
        for _ in range(LOWEST, HIGHEST + 2):
            if len(found) == count:
                break
            if _is_free(port):
                found.append(port)
            port = port + 1 if port < HIGHEST else LOWEST
        else:
            raise PortsTaken(f"{LOWEST} to {HIGHEST}: {len(found)} free of {count} wanted")
        file.seek(0)
        file.truncate()
        file.write(str(port))
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
