"""Runs docs/client.ipynb against a served node: `python -m tests.api.notebook` writes its outputs.

The store is made from one seed, so the outputs are the same each time; a test compares them.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from node.daemon import Daemon
from node.home import Home
from tests.api.served import served
from tests.node.stores import fill
from tests.tidy import ROOT

NOTEBOOK = ROOT / "docs/client.ipynb"


def run_cells(notebook: dict[str, Any], home: Path) -> list[str]:
    """What each code cell prints, run in order with DCN_HOME set."""
    names: dict[str, Any] = {}
    told = []
    before = os.environ.get("DCN_HOME")
    os.environ["DCN_HOME"] = str(home)
    try:
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                continue
            said = io.StringIO()
            code = compile("".join(cell["source"]), "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            with contextlib.redirect_stdout(said):
                waiting = eval(code, names)
                if inspect.isawaitable(waiting):
                    asyncio.run(_wait(waiting))
            told.append(said.getvalue())
    finally:
        os.environ.pop("DCN_HOME")
        if before is not None:
            os.environ["DCN_HOME"] = before
        if "client" in names:
            names["client"].__exit__()
    return told


async def _wait(one: Any) -> None:
    await one


async def outputs(notebook: dict[str, Any], home: Path) -> list[str]:
    """The same, with the node of `home` served meanwhile."""
    daemon = await Daemon.open(home)
    try:
        async with served(daemon) as at:
            with daemon.home.config_file.open("a") as config:
                config.write(f"\n[api]\nport = {at.split(':')[1]}\n")
            return await asyncio.to_thread(run_cells, notebook, home)
    finally:
        daemon._log.close()
        await daemon.store.close()


def printed(notebook: dict[str, Any]) -> list[str]:
    """The outputs that stand in the file."""
    return [
        "".join("".join(one["text"]) for one in cell["outputs"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]


def main() -> None:
    """Write the outputs into the file."""
    warnings.simplefilter("ignore")
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        fill(Home(home), last_date_open=True)
        told = iter(asyncio.run(outputs(notebook, home)))
    number = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            number += 1
            text = next(told)
            lines = text.splitlines(keepends=True)
            cell["execution_count"] = number
            stream = {"name": "stdout", "output_type": "stream", "text": lines}
            cell["outputs"] = [stream] if text else []
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
