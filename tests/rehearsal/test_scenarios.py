"""Scenario files: every example comes as it says; what is wrong with a script is said."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from node.rehearsal.errors import BadScript
from node.rehearsal.run import ACTIONS
from node.rehearsal.script import Script, read_script, run

EXAMPLES = sorted((Path(__file__).parents[2] / "configs" / "scenarios").glob("*.toml"))
HEAD = 'title = "t"\n[network]\nmembers = ["A", "B"]\n'
ROTATE = {
    "tx": "RotateKey", "member": "A", "role": "TRADE", "old": "", "new": "", "seed_link": "",
}  # fmt: skip
MINT = {"tx": "Mint", "asset": "USD", "to": "A", "amount": 5, "reference": "R"}


def _script(tmp_path: Path, text: str) -> Script:
    file = tmp_path / "script.toml"
    file.write_text(text)
    return read_script(file)


def _run(*steps: dict[str, Any]) -> Any:
    from node.rehearsal.founding import NetworkPart

    return run(Script(title="t", network=NetworkPart(members=("A", "B")), steps=steps))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_comes_as_it_says(file: Path) -> None:
    report = run(read_script(file))
    assert report.failures == []
    assert report.invariants == "hold"
    assert report.expectations > 0
    assert run(read_script(file)).state_root == report.state_root


def test_there_is_an_example_of_every_transaction() -> None:
    text = "\n".join(file.read_text() for file in EXAMPLES)
    missing = [name for name in ACTIONS if f'"{name}"' not in text]
    assert missing == []


def test_what_was_expected_and_is_not_so_fails_with_what_was_found() -> None:
    report = _run(
        MINT | {"expect": [{"code": "OK"}, {"balance": 6, "of": "A"}]},
        MINT | {"amount": 0},
        {"expect": {"table": "member", "key": ["A"], "row": {"state": "SUSPENDED"}}},
        {"wait": 1, "expect": {"event": "CashMoved"}},
        {"expect": {"table": "trade", "key": ["A:1"], "row": {}}},
        {"expect": {"table": "member", "key": ["A"], "absent": True}},
        MINT | {"expect": {"event": "CashMoved", "count": 2}},
    )
    told = "\n".join(report.failures)
    assert len(report.failures) == 7
    assert "step 1: A has 5 USD, expected 6" in told
    assert "step 2: refused, and not expected to be: AMOUNT_OUT_OF_RANGE" in told
    assert "SUSPENDED" in told
    assert "no CashMoved" in told
    assert "trade ['A:1'] is not there" in told
    assert "member ['A'] is there" in told
    assert "1 CashMoved, expected 2" in told


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"tx": "Steal"}, "tx is none of"),
        ({**MINT, "amuont": 5}, "has no 'amuont'"),
        ({"tx": "Mint", "asset": "USD"}, "needs 'to'"),
        (MINT | {"amount": "5"}, "is no int"),
        (MINT | {"amount": True}, "is no int"),
        (MINT | {"signers": "A"}, "signers is a list"),
        ({"wait": 0}, "wait is 1 to"),
        ({"wait": "for ever"}, "wait is 1 to"),
        ({"wait": 1, "marks": {}}, "it does one thing"),
        ({"wait": 1, "by": 1}, "beside wait"),
        ({"outage_ms": -1}, "positive number"),
        ({"marks": [1]}, "marks is a table"),
        ({"dance": 1}, "one of tx, txs, marks, wait, outage_ms"),
        ({"txs": [MINT], "by": 1}, "beside txs"),
        ({"expect": {"mood": "good"}}, "expect has"),
        ({"expect": []} | {"expect": [5]}, "expect is a table"),
        ({"expect": {"table": "moods", "key": []}}, "table is none of"),
        (
            {"tx": "Propose", "proposer": "A", "reason": "", "body": {"type": "Dance"}},
            "type is 'Dance'",
        ),
        (
            ROTATE | {"role": "KING"},
            "'KING' is none of",
        ),
        (
            ROTATE | {"old": "x"},
            "is not hex",
        ),
    ],
)  # fmt: skip
def test_a_step_that_makes_no_sense_names_its_place(step: dict[str, Any], why: str) -> None:
    with pytest.raises(BadScript, match="step 2") as refused:
        _run({"wait": 1}, step)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "title = 5",
        "no toml",
        HEAD,
        HEAD + "dance = 1\n[[steps]]\nwait = 1\n",
        'title = "t"\n[[steps]]\nwait = 1\n',
        HEAD.replace('"B"', '"A"') + "[[steps]]\nwait = 1\n",
        HEAD.replace('"B"', '"  "') + "[[steps]]\nwait = 1\n",
        HEAD + "rulebook = { rounding_unti = 2 }\n[[steps]]\nwait = 1\n",
    ],
)
def test_a_file_that_is_no_script_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Exception, match=r"SCENARIO_INVALID|GENESIS_INVALID"):
        run(_script(tmp_path, text))


def test_the_command_says_yes_or_no_by_its_exit_code(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(HEAD + '[[steps]]\nexpect = { balance = 1, of = "A" }\n')
    words = [sys.executable, "-m", "node.cli.main", "scenario", "run"]
    done = subprocess.run(
        [*words, str(EXAMPLES[0]), str(bad), "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done
    good, failed = json.loads(done.stdout)
    assert (good["failures"], failed["failures"]) == ([], ["step 1: A has 0 USD, expected 1"])
    shown = subprocess.run([*words, str(EXAMPLES[0])], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown
    assert "RoundSettled" in shown.stdout
    assert "8 expectations, as expected" in shown.stdout
    gone = subprocess.run([*words, "none.toml"], capture_output=True, text=True, check=False)
    assert gone.returncode == 4, gone
