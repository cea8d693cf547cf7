"""The command line as users see it: arguments in, exit code and output out."""

import json
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.cli.main import main
from node.home import Home
from tests.node.stores import fill


class Answer(msgspec.Struct, frozen=True):
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


Dcn = Callable[..., Answer]


@pytest.fixture
def dcn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dcn:
    """Run `dcn` in this process; an exception that leaves it is a traceback, so a failure."""

    def run(*arguments: object, stdin: bytes = b"") -> Answer:
        monkeypatch.setattr(sys, "argv", ["dcn", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Answer(code, shown.out, shown.err)

    return run


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A member's home with a whole store."""
    path = tmp_path_factory.mktemp("filled") / "home"
    fill(Home(path))
    return path
