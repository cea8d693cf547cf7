"""The shell completes commands, options and codes, and installing that is one command."""

from pathlib import Path

import pytest

from node.cli.explain import every_error
from tests.cli.conftest import Dcn


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("dcn gov", {"governance"}),
        ("dcn keys ad", {"adopt"}),
        ("dcn init --pass", {"--passphrase-file"}),
        ("dcn init --role ", {"member", "observer"}),
        ("dcn explain STORE_D", {"STORE_DAMAGED"}),
    ],
)
def test_bash_is_offered_what_can_follow(
    dcn: Dcn, monkeypatch: pytest.MonkeyPatch, line: str, offered: set[str]
) -> None:
    monkeypatch.setenv("_DCN_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    assert set(dcn().out.split()) == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_installed_for_the_command_as_it_is_called(
    dcn: Dcn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert dcn("--install-completion", shell).code == 0
    written = "".join(one.read_text() for one in tmp_path.rglob("*") if one.is_file())
    assert "_DCN_COMPLETE" in written


def test_every_code_is_explained_with_a_remedy_and_an_exit_code(dcn: Dcn) -> None:
    for code in every_error():
        told = dcn("explain", code, "--json")
        assert told.code == 0
        found = told.json()
        assert found["meaning"]
        assert found["remedy"]
        assert found["exit_code"] in "123456", code
