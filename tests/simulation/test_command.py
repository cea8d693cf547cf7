"""`dcn simulate` as people and machines use it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from node.cli.output import UsageWrong
from simulator import hunt
from simulator.command import simulate
from simulator.faults import LoneDecision, Options, Plan
from simulator.mutants import MUTANTS, applied
from simulator.scenario import Scenario
from simulator.trace import trace

app = typer.Typer()
app.command()(simulate)


def called(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_figures_are_for_machines_too(tmp_path: Path) -> None:
    code, text = called("--seeds", "2", "--nodes", "4", "--json", str(tmp_path / "out.json"))
    assert code == 0
    assert "A simulation" in text
    figures = json.loads((tmp_path / "out.json").read_text())
    assert (figures["seeds"], figures["violations"]) == (2, 0)
    assert figures["heights_min"] >= 20
    assert figures["messages"] > 0
    assert figures["faults"]
    assert len(figures["outcomes"]) == 2


def test_one_seed_is_traced_for_people(tmp_path: Path) -> None:
    words = ("--seeds", "1", "--first-seed", "9", "--nodes", "4", "--faults", "none")
    assert called(*words, "--trace", str(tmp_path / "run.txt"))[0] == 0
    text = (tmp_path / "run.txt").read_text()
    assert "height 2 round 0" in text
    assert "n0 prevotes" in text
    assert "n3 stores block 20, decided in round 0" in text


@pytest.mark.parametrize("faults", ["x", "400", "1,,2"])
def test_faults_that_the_plan_has_not_are_a_usage_error(faults: str) -> None:
    with pytest.raises(UsageWrong):
        called("--seeds", "1", "--first-seed", "9", "--faults", faults)


def test_twins_from_the_command_line() -> None:
    code, text = called("--twins", "--limit", "100")
    assert code == 0
    assert "disagreements" in text


def test_a_violation_in_a_trace_comes_before_the_events() -> None:
    (mutant,) = [one for one in MUTANTS if one.name == "lock ignored"]
    plan = Plan((1, 1, 1, 1), 0, (LoneDecision(1_000, 5_000, 0, None, False),))
    with applied(mutant):
        scenario = Scenario(Options(seed=1, settle_ms_max=5_000), plan)
        scenario.play()
    outcome = scenario.judge()
    assert outcome.violations
    text = trace(scenario.record(), outcome.violations)
    assert text.index("Violations") < text.index("against its lock") < text.index("Events")


def test_the_table_is_put_between_its_marks() -> None:
    document = f"before\n{hunt.BEGIN}\nold\n{hunt.END}\nafter\n"
    assert hunt.placed(document, "new\n") == f"before\n{hunt.BEGIN}\nnew\n{hunt.END}\nafter\n"
    assert hunt.placed("", "new\n") == "new\n"
