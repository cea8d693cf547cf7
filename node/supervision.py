"""What the service manager is told: the protocol of sd_notify(3), one datagram a state.

Without `NOTIFY_SOCKET` in the environment nobody listens, and nothing is sent.
"""

import asyncio
import contextlib
import os
import socket
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
ALIVE: Final = "WATCHDOG=1"


def notify(state: str) -> None:
    """Send `state` to the service manager, if there is one.

    Never waits: a manager that does not listen must not stop the node. What it misses is said
    again, or its own time limits tell.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
        sending.setblocking(False)
        with contextlib.suppress(OSError):
            sending.sendto(state.encode(), address.replace("@", "\0", 1))


async def keep_alive() -> None:
    """Tell the watchdog that the event loop turns, three times within each of its periods."""
    period_us = os.environ.get("WATCHDOG_USEC", "")
    if not period_us.isdecimal() or not int(period_us):
        await asyncio.Event().wait()  # nobody watches
    while True:
        notify(ALIVE)
        await asyncio.sleep(int(period_us) / 3_000_000)
