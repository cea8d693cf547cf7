"""Schemathesis against a served node: `python -m tests.api.fuzz [--examples 200] [--home HOME]`.

Every answer of every route must be what the OpenAPI document says, whatever is sent; every error
has the one form. Without `--home` a member's node with a filled store is served for it; with it,
a running node is asked.
"""

import argparse
import asyncio
import sys
import tempfile
import warnings
from pathlib import Path

from node.client.clients import place_of
from node.daemon import Daemon
from node.home import Home
from tests.api.served import served
from tests.node.stores import fill

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
CONFIG = Path(__file__).with_name("schemathesis.toml")
STREAMS = ("/v1/events/stream", "/v1/observer/stream")
"""They do not end, so they are tested by hand."""


async def fuzz(url: str, token: str, *, examples: int, seed: int) -> tuple[int, str]:
    """The exit code of schemathesis, and what it said."""
    not_asked = [word for path in STREAMS for word in ("--exclude-path", path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG),
        "run", f"{url}/v1/openapi.json",
        "-H", f"Authorization: Bearer {token}", *not_asked,
        "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing",
        "-n", str(examples), "--seed", str(seed), "--continue-on-failure", "--no-color",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tempfile.gettempdir(),
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def fuzz_filled(path: Path, *, examples: int, seed: int) -> tuple[int, str]:
    """The same for the node of a filled home, served here."""
    daemon = await Daemon.open(path)
    try:
        async with served(daemon, requests_per_s=1_000_000) as at:
            url = f"http://{at}"
            return await fuzz(url, daemon.home.token(), examples=examples, seed=seed)
    finally:
        daemon._log.close()
        await daemon.store.close()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="of each route")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="of a running node, without TLS")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.home is not None:
        url, token, _ = place_of(given.home)
        code, said = asyncio.run(fuzz(url, token, examples=given.examples, seed=given.seed))
    else:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder) / "home"
            fill(Home(home))
            code, said = asyncio.run(fuzz_filled(home, examples=given.examples, seed=given.seed))
    sys.stdout.write(said)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
