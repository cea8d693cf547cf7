"""The README's commands work when pasted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks(mark: str) -> list[str]:
    """The shell blocks of the README that carry a mark."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"<!-- {re.escape(mark)} -->\n```sh\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.e2e
@pytest.mark.parametrize("script", blocks("ci:run"), ids=range(len(blocks("ci:run"))))
def test_the_commands_of_the_readme_run(tmp_path: Path, script: str) -> None:
    (tmp_path / "configs").symlink_to(README.parent / "configs")
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]


def test_the_readme_has_such_commands() -> None:
    assert len(blocks("ci:run")) >= 2
