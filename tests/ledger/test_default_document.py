"""The worked example of docs/DEFAULT.md is what the ledger does."""

import re
from pathlib import Path

from node.rehearsal.script import read_script, run

ROOT = Path(__file__).parents[2]


def _cents(text: str) -> int:
    return int(text.replace(".", "").replace(",", "")) if text else 0


def _table() -> dict[str, tuple[int, int, int]]:
    """By tranche: what it bears, for A, for B."""
    text = (ROOT / "docs/DEFAULT.md").read_text("utf-8").split("## A worked example")[1]
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return {
        re.split(r"[ (]", name.strip())[0]: (
            _cents(a.strip()),
            _cents(b.strip()),
            _cents(c.strip()),
        )
        for name, _, a, b, c in rows
        if a.strip() != "Bears"
    }


def test_the_table_of_the_worked_example_is_what_happens() -> None:
    report = run(read_script(ROOT / "configs/scenarios/40-default-classic.toml"))
    assert report.failures == []
    events = [event for step in report.steps for event in step.events]
    borne: dict[str, int] = {}
    for event in events:
        if event["type"] == "TrancheBears":
            borne[event["tranche"]] = borne.get(event["tranche"], 0) + event["amount"]
    told = _table()
    claims = {e["creditor"]: e for e in events if e["type"] == "ClaimCovered"}
    assert told["Claims"] == (30_000, claims["A"]["amount"], claims["B"]["amount"])
    assert told["RESIDUAL"][1:] == (claims["A"]["residual"], claims["B"]["residual"])
    assert {name: row[0] for name, row in told.items() if name != "Claims"} == borne
    for _, to_a, to_b in told.values():
        assert to_a >= to_b
    for column in (1, 2):
        covered = sum(row[column] for name, row in told.items() if name != "Claims")
        assert covered == told["Claims"][column]
    assert all(row[0] == row[1] + row[2] for row in told.values())
