"""The documents made from the code are current, and the glossary is in order."""

import re

from ledger.rulebook import standard
from node.cli import errors_page
from node.cli.explain import PACKAGES, every_error
from node.rulebook_page import page
from tests.tidy import ROOT
from wire.errors import CodedError, EnvironmentFault, PeerFault, Rejection
from wire.ids import AssetCode


def _all_kinds() -> list[type[CodedError]]:
    every_error()  # imports every module
    found: list[type[CodedError]] = []
    waiting = list(CodedError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.split(".")[0] in PACKAGES:
            found.append(kind)
    return found


def test_the_errors_page_is_current() -> None:
    """If this fails: python -m node.cli.errors_page > docs/ERRORS.md."""
    assert (ROOT / "docs/ERRORS.md").read_text("utf-8") == errors_page.page()


def test_every_error_has_a_code_of_its_own_a_meaning_and_a_remedy() -> None:
    kinds = [kind for kind in _all_kinds() if kind not in (Rejection, PeerFault, EnvironmentFault)]
    assert len(kinds) > 70
    codes = [kind.code for kind in kinds]
    assert sorted(codes) == sorted(set(codes))
    for kind in kinds:
        assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", kind.code), kind
        assert kind.remedy.endswith((".", ")")), kind
        assert kind.__doc__, kind
        assert kind.__doc__ != kind.__mro__[1].__doc__, kind


def test_the_page_lists_every_code_once() -> None:
    page = errors_page.page()
    for code in every_error():
        assert page.count(f"\n| `{code}` |") == 1, code


def test_the_rulebook_page_is_that_of_the_standard_rulebook() -> None:
    """If this fails: python -m node.rulebook_page > docs/RULEBOOK.md."""
    text = page(standard("EQUITY-FORWARD", AssetCode("USD"), 2))
    assert (ROOT / "docs/RULEBOOK.md").read_text("utf-8") == text


def test_every_clause_of_the_rulebook_names_a_module_that_is_there() -> None:
    text = (ROOT / "docs/RULEBOOK.md").read_text("utf-8")
    homes = re.findall(r"\(`([a-z_/]+\.py)`\)", text)
    assert len(homes) > 35
    assert [home for home in homes if not (ROOT / home).is_file()] == []


def test_every_principle_has_its_row_and_every_file_named_is_there() -> None:
    text = (ROOT / "docs/PFMI.md").read_text("utf-8")
    rows = [line.split("|")[1].split()[0] for line in text.splitlines() if line.startswith("| ")]
    assert rows[1:] == [str(number) for number in range(1, 25)]
    named = re.findall(r"`((?:tests|configs|docs)/[^`]+)`", text)
    assert len(named) > 25
    assert [name for name in named if not (ROOT / name).is_file()] == []


def _glossary() -> list[tuple[str, str]]:
    text = (ROOT / "docs/GLOSSARY.md").read_text("utf-8")
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return [(term.strip(), meaning.strip()) for term, meaning in rows if term.strip() != "Term"]


def test_the_glossary_is_sorted_and_has_every_term_once() -> None:
    terms = [term.casefold() for term, _ in _glossary()]
    assert len(terms) > 60
    assert terms == sorted(set(terms))


def test_every_term_is_explained_in_a_sentence() -> None:
    for term, meaning in _glossary():
        assert meaning[0] in "ABCDEFGHIJKLMNOPQRSTUVWXYZ`", term
        assert meaning.endswith("."), term


def test_the_architecture_names_functions_that_exist() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(r"`((?:\w+/)+\w+\.py):\s+([\w.]+)`", text)
    assert len(named) >= 8
    for path, name in named:
        source = (ROOT / path).read_text("utf-8")
        for part in name.split("."):
            assert re.search(rf"(?:def|class) {part}\b", source), f"{path}: {name}"
