"""A client generated from the OpenAPI document, used: `python -m tests.api.generated_client`.

Makes a virtual environment beside (the generator's requirements do not agree with this project's),
installs openapi-python-client into it, generates, and runs foreign_client.py with the result
against a served node.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from node.daemon import Daemon
from node.home import Home
from node.observer.app import document
from tests.api.served import served
from tests.node.stores import fill

GENERATOR = "openapi-python-client==0.29.1"
SCRIPT = Path(__file__).with_name("foreign_client.py")


def generate(folder: Path) -> Path:
    """The interpreter of an environment that has the generated client."""
    (folder / "openapi.json").write_text(json.dumps(document()))
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    tools = folder / "venv" / "bin"
    subprocess.run([tools / "pip", "install", "--quiet", GENERATOR], check=True)
    done = subprocess.run(
        [tools / "openapi-python-client", "generate", "--path", folder / "openapi.json",
         "--output-path", folder / "client", "--fail-on-warning"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run([tools / "pip", "install", "--quiet", folder / "client"], check=True)
    return tools / "python"


async def use(python: Path, home: Path) -> int:
    """The exit code of foreign_client.py against the node of a filled home."""
    daemon = await Daemon.open(home)
    try:
        async with served(daemon) as at:
            process = await asyncio.create_subprocess_exec(
                python, SCRIPT, f"http://{at}", daemon.home.token(), daemon.config.lei
            )
            return await process.wait()
    finally:
        daemon._log.close()
        await daemon.store.close()


def main() -> int:
    """The command."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = generate(folder)
        fill(Home(folder / "home"))
        return asyncio.run(use(python, folder / "home"))


if __name__ == "__main__":
    raise SystemExit(main())
