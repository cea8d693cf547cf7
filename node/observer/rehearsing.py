"""A default rehearsed beside the node: `python -m node.observer.rehearsing HOME LEI`.

A process of its own, of low priority and limited, reads the node's last state from its store and
runs the very code of `node.whatif`; the node waits for nothing and shares nothing with it.
"""

import asyncio
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, Final

from node.home import Home
from node.plain import plain
from node.stored import stored_tip
from node.whatif.default import default
from wire.errors import EnvironmentFault, Rejection
from wire.ids import lei as checked_lei

SECONDS_MAX: Final = 120.0
"""A rehearsal with a hundred thousand contracts takes some ten."""

CPU_SECONDS_MAX: Final = 300
"""Ends a process whose node has died."""

NICENESS: Final = 10


class RehearsalFailed(EnvironmentFault):
    """A rehearsed default did not end, or its process did not start."""

    code = "OBSERVER_REHEARSAL_FAILED"
    remedy = "Try again; `dcn whatif default` runs the same by hand and says what is wrong."


class RehearsalRefused(Rejection):
    """The default of this member cannot be rehearsed on the last state."""

    code = "OBSERVER_REHEARSAL_REFUSED"
    remedy = "The message names the reason; `dcn explain` tells more about its code."


class Rehearsals:
    """Rehearses one default at a time; who else asks waits."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._one = asyncio.Lock()

    async def __call__(self, lei: str) -> dict[str, Any]:
        """The report as JSON; raises `RehearsalFailed`, `RehearsalRefused`."""
        async with self._one:
            line = (sys.executable, "-m", "node.observer.rehearsing", str(self._home.path), lei)
            pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
            try:
                process = await asyncio.create_subprocess_exec(
                    *line, stdin=null, stdout=pipe, stderr=pipe
                )
            except OSError as error:
                raise RehearsalFailed(str(error)) from None
            try:
                async with asyncio.timeout(SECONDS_MAX):
                    out, said = await process.communicate()
            except TimeoutError:
                raise RehearsalFailed(f"not done in {SECONDS_MAX:.0f} s") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        return _answer(out, said)


def _answer(out: bytes, said: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(out)
    except ValueError:
        raise RehearsalFailed(said.decode("utf-8", "replace").strip()[-400:]) from None
    if "refused" in found:
        raise RehearsalRefused(str(found["refused"]))
    return found


def main() -> None:
    """Rehearse the default of the member named, and write the report."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    home, who = Home(Path(sys.argv[1])), sys.argv[2]
    tip = asyncio.run(stored_tip(home))
    try:
        report = plain(default(tip.state, tip.block_id.hex(), (checked_lei(who),), {}))
    except Rejection as refused:
        report = {"refused": f"{refused.code}: {refused.detail}"}
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
