"""The notebook of the client works, and prints what stands in it."""

import json
import shutil
from pathlib import Path

import pytest

from tests.api.notebook import NOTEBOOK, outputs, printed

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


async def test_the_notebooks_outputs_are_current(filled_open: Path, tmp_path: Path) -> None:
    """If this fails: python -m tests.api.notebook."""
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    home = shutil.copytree(filled_open, tmp_path / "home")
    assert await outputs(notebook, home) == printed(notebook)
