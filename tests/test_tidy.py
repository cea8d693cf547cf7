"""The house stays tidy: every file passes the checks of `tidy.py`, which are tested too."""

import ast
import re
from pathlib import Path

import pytest

from tests import tidy

FILES = tidy.committed()
SOURCES = [path for path in FILES if path.suffix == ".py"]
HOUSE = [p for p in SOURCES if p.relative_to(tidy.ROOT).parts[0] in tidy.PACKAGES]
CORE = [p for p in HOUSE if tidy.is_core(p.relative_to(tidy.ROOT).as_posix())]


def _name(path: Path) -> str:
    return path.relative_to(tidy.ROOT).as_posix()


def _complaints(paths: list[Path], *checks: object) -> list[str]:
    found = []
    for path in paths:
        tree = ast.parse(path.read_text("utf-8"))
        for check in checks:
            found += [f"{_name(path)}:{what}" for what in check(tree)]  # type: ignore[operator]
    return found


def test_the_walk_sees_the_whole_core() -> None:
    names = {_name(path) for path in CORE}
    assert {"wire/codec.py", "netting/round.py", "consensus/core.py"} <= names
    assert {"ledger/apply.py", "node/core/core.py", "node/blocks.py", "node/messages.py"} <= names
    assert "node/light/verify.py" in names
    assert "node/daemon.py" not in names


def test_the_core_computes_in_integers() -> None:
    assert _complaints(CORE, tidy.impure_arithmetic) == []


def test_the_core_imports_nothing_that_touches_the_world() -> None:
    assert _complaints(CORE, tidy.impure_imports) == []


def test_the_core_never_iterates_over_a_set() -> None:
    assert _complaints(CORE, tidy.set_iterations) == []


def test_no_file_and_no_function_of_the_core_is_too_long() -> None:
    found = []
    for path in CORE:
        source = path.read_text("utf-8")
        found += [f"{_name(path)}:{what}" for what in tidy.too_long(source, ast.parse(source))]
    assert found == []


def test_no_file_of_the_house_is_longer_than_400_lines() -> None:
    lengths = {_name(path): path.read_text("utf-8").count("\n") for path in HOUSE}
    assert {name: n for name, n in lengths.items() if n > tidy.LINES_MAX} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        _name(path)
        for path in SOURCES
        if path.read_text("utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_everything_public_in_the_core_is_documented() -> None:
    assert _complaints(CORE, tidy.undocumented) == []


def test_nothing_under_the_api_and_the_command_line_imports_them() -> None:
    top = ("node/api/", "node/cli/", "node/observer/", "node/playback/")
    pattern = re.compile(r"^\s*(?:from|import) node\.(?:api|cli|observer|playback)\b", re.MULTILINE)
    below = [p for p in HOUSE if _name(p).startswith("node/") and not _name(p).startswith(top)]
    assert [_name(p) for p in below if pattern.search(p.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("libp2p|trio|multiaddr", ("node/network/",)),
        ("sqlite3|aiosqlite", ("node/storage/", "node/audit/", "node/observer/")),
    ],
)
def test_a_library_that_touches_the_world_has_one_home(library: str, homes: tuple[str]) -> None:
    pattern = re.compile(rf"^\s*(?:from|import) (?:{library})\b", re.MULTILINE)
    users = [_name(p) for p in HOUSE if pattern.search(p.read_text("utf-8"))]
    assert [name for name in users if not name.startswith(homes)] == []
    assert users != []


def _texts() -> list[tuple[str, str]]:
    skipped = ("LICENSE", "tests/tidy.py", "tests/test_tidy.py")
    found = []
    for path in FILES:
        if _name(path) not in skipped:
            try:
                found.append((_name(path), path.read_text("utf-8")))
            except UnicodeDecodeError:
                continue  # not text
    return found


def test_no_file_names_a_path_of_a_machine_or_a_registry() -> None:
    found = [f"{name}:{what}" for name, text in _texts() for what in tidy.machine_paths(text)]
    assert found == []


def test_nothing_refers_to_what_is_not_in_the_repository() -> None:
    documents = [(n, text) for n, text in _texts() if n.endswith((".md", ".py", ".toml"))]
    assert [name for name, text in documents if re.search(r"(?<![\w/])shared/", text)] == []


LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_every_link_of_the_documents_leads_somewhere() -> None:
    broken = [
        f"{_name(path)}: {target}"
        for path in FILES
        if path.suffix == ".md"
        for target in LINK.findall(path.read_text("utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


# ---------------------------------------------------------------- the checks themselves
@pytest.mark.parametrize(
    "snippet",
    ["x = 1.0", "x = 1e3", "x = 2j", "x = a / b", "x /= 2", "x = float(a)", "f(0.5)"],
)
def test_bad_arithmetic_is_seen(snippet: str) -> None:
    assert list(tidy.impure_arithmetic(ast.parse(snippet)))


@pytest.mark.parametrize("snippet", ["x = a // b", "x = 1", "'1.0 / 2'", "x: float", "x //= 2"])
def test_good_arithmetic_is_left_alone(snippet: str) -> None:
    assert list(tidy.impure_arithmetic(ast.parse(snippet))) == []


@pytest.mark.parametrize(
    "snippet",
    [
        "import time",
        "import os.path",
        "from datetime import datetime",
        "from os import path",
        "def f():\n    import random",
        "import msgspec, socket",
        "if x:\n    from libp2p.peer import id",
    ],
)
def test_bad_imports_are_seen(snippet: str) -> None:
    assert list(tidy.impure_imports(ast.parse(snippet)))


def test_good_imports_are_left_alone() -> None:
    source = "import timeit_like\nfrom wire import os_like\nfrom collections import abc"
    assert list(tidy.impure_imports(ast.parse(source))) == []


@pytest.mark.parametrize(
    "snippet",
    [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "for x in frozenset(y): pass",
        "for x in {a for a in b}: pass",
        "[x for x in {1, 2}]",
        "{x: 1 for x in set(y)}",
        "list({1, 2})",
        "tuple(set(y))",
        "tuple(f(x) for x in set(y))",
        "for n, x in enumerate({1}): pass",
        "for x in set(a) | set(b): pass",
        "for x in a - set(b): pass",
        "[*{1, 2}]",
        "s = {1, 2}\nfor x in s: pass",
        "def f():\n    s = set(y)\n    return [x for x in s]",
        "def f():\n    s: set[int] = set()\n    for x in s: pass",
    ],
)
def test_iteration_over_a_set_is_seen(snippet: str) -> None:
    assert list(tidy.set_iterations(ast.parse(snippet)))


@pytest.mark.parametrize(
    "snippet",
    [
        "for x in sorted({1, 2}): pass",
        "len({1, 2})",
        "x in {1, 2}",
        "sum(x for x in y)",
        "for x in [1, 2]: pass",
        "{x for x in set(y)}",
        "any(x in {1} for x in y)",
        "s = {1}\ns = sorted(s)\nfor x in s: pass",
        "def f():\n    s = {1}\ndef g(s):\n    for x in s: pass",
    ],
)
def test_what_loses_no_order_is_left_alone(snippet: str) -> None:
    assert list(tidy.set_iterations(ast.parse(snippet))) == []


def test_long_files_and_functions_are_seen() -> None:
    body = "def f():\n" + "    x = 1\n" * 69
    assert list(tidy.too_long(body, ast.parse(body))) == []
    body += "    x = 1\n"
    assert list(tidy.too_long(body, ast.parse(body))) == ["1: f has 71 lines, at most 70"]
    source = "x = 1\n" * 401
    assert list(tidy.too_long(source, ast.parse(source))) == ["1: has 401 lines, at most 400"]


def test_missing_docstrings_are_seen() -> None:
    source = 'def f(): pass\nclass A:\n    """A."""\n    def g(self): pass\ndef _h(): pass'
    assert list(tidy.undocumented(ast.parse(source))) == [
        "1: f has no docstring",
        "4: A.g has no docstring",
    ]
    protocol = 'class P(Protocol):\n    """P."""\n    def g(self): ...'
    assert list(tidy.undocumented(ast.parse(protocol))) == []


@pytest.mark.parametrize(
    "line",
    [
        "cd /home/me/dcn",
        'open("/mnt/x")',
        "`/root/.cache`",
        "pip install --index-url x y",
        "https://pypi.example.org/simple",
        "url = http://nexus.corp:8081/repo",
    ],
)
def test_paths_of_a_machine_and_registries_are_seen(line: str) -> None:
    assert list(tidy.machine_paths(line))


@pytest.mark.parametrize(
    "line",
    ["configs/prices.csv", "$PWD/tmp/x", "a/home/b", "https://arxiv.org/abs/1807.04938", "/v1/x"],
)
def test_other_paths_and_addresses_are_left_alone(line: str) -> None:
    assert list(tidy.machine_paths(line)) == []
