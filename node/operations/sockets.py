"""Is a port free, and does an address answer? Plain TCP, with short patience."""

import socket
from concurrent.futures import ThreadPoolExecutor

from node.operations.findings import PortTaken

PATIENCE_S = 2.0
"""How long an address may take to answer."""


def answers(host: str, port: int) -> bool:
    """Whether something accepts a connection there."""
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError:
        return False
    return True


def all_answer(endpoints: list[tuple[str, int]]) -> list[bool]:
    """Whether each accepts a connection, all tried at once."""
    if not endpoints:
        return []
    with ThreadPoolExecutor(max_workers=min(32, len(endpoints))) as pool:
        return list(pool.map(lambda endpoint: answers(*endpoint), endpoints))


def free(host: str, port: int) -> bool:
    """Whether this process could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0: at a free one. Raises `PortTaken`."""
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen()
    except OSError as error:
        made.close()
        raise PortTaken(f"{host}:{port}: {error.strerror}") from None
    return made
