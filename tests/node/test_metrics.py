"""Dashboard, alerts and runbooks fit the metrics that there are."""

import json
import re

from node.metrics import COUNTERS, GAUGES, LABELLED
from tests.tidy import ROOT

EXPOSED = {*GAUGES, *LABELLED, *(f"{name}_total" for name in COUNTERS)}
METRIC = re.compile(r"\bdcn_\w+")
ALERT = re.compile(
    r"- alert: (\w+)\n\s+expr: '([^']+)'\n\s+for: \w+\n\s+labels: \{severity: (page|ticket)\}\n"
    r'\s+annotations:\n\s+summary: "[^"]+"\n\s+runbook: docs/RUNBOOKS\.md#([\w-]+)\n'
)


def _alerts() -> list[tuple[str, str, str, str]]:
    return ALERT.findall((ROOT / "configs/alerts.yml").read_text("utf-8"))


def test_every_metric_has_a_help_text_and_a_name_with_its_unit() -> None:
    for name, meaning in (GAUGES | COUNTERS | LABELLED).items():
        assert re.fullmatch(r"dcn_[a-z0-9_]+[a-z0-9]", name), name
        assert len(meaning) > 10, name


def test_the_dashboard_uses_only_metrics_that_there_are() -> None:
    text = (ROOT / "configs/grafana-dashboard.json").read_text("utf-8")
    panels = json.loads(text)["panels"]
    used = {found for panel in panels for one in panel["targets"]
            for found in METRIC.findall(one["expr"])}  # fmt: skip
    assert len(used) > 15
    assert used - EXPOSED == set()
    assert [panel["title"] for panel in panels if not panel["targets"]] == []


def test_every_alert_uses_metrics_that_there_are() -> None:
    text = (ROOT / "configs/alerts.yml").read_text("utf-8")
    assert len(_alerts()) == text.count("- alert:") > 8
    for name, expression, _, _ in _alerts():
        used = set(METRIC.findall(expression))
        assert used or expression == 'up{job="dcn"} == 0', name
        assert used - EXPOSED == set(), name


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    text = (ROOT / "docs/RUNBOOKS.md").read_text("utf-8")
    headings = re.findall(r"^## ([\w-]+)$", text, re.MULTILINE)
    assert sorted(headings) == sorted(anchor for *_, anchor in _alerts())
    for name, _, severity, anchor in _alerts():
        part = text.split(f"## {anchor}\n")[1].split("\n## ")[0]
        assert f"*{name}, {severity}*" in part
        assert len(re.findall(r"^\d\. ", part, re.MULTILINE)) >= 2, name


def test_every_command_in_a_runbook_exists() -> None:
    from node.cli.main import app

    known = {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    known |= {str(group.name) for group in app.registered_groups}
    text = (ROOT / "docs/RUNBOOKS.md").read_text("utf-8")
    used = set(re.findall(r"`dcn ([a-z-]+)", text))
    assert len(used) > 5
    assert used - known == set()
