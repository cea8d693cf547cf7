"""The parameters of a rulebook in tables."""

from typing import Any

from ledger import objects as o
from node.plain import plain

Clauses = list[tuple[str, str]]
"""(what it says, the module that carries it out)."""


def parameters(rulebook: o.Rulebook) -> str:
    """Every parameter and every voting rule, as Markdown."""
    rows = ["\n## Parameters\n\n| Parameter | Value |\n|---|---|\n"]
    fields: dict[str, Any] = plain(rulebook)
    for name, value in fields.items():
        if name == "voting":
            continue
        part = value if isinstance(value, dict) else {"": value}
        for inner, one in part.items():
            label = f"{name}.{inner}" if inner else name
            rows.append(f"| `{label}` | {_shown(one)} |\n")
    rows.append(
        "\n| Proposal | Electorate | Quorum | Threshold (over) | Window | Notice |\n"
        "|---|---|---|---|---|---|\n"
    )
    for rule in rulebook.voting:
        kind, electorate = o.ProposalKind(rule.kind).name, o.Electorate(rule.electorate).name
        rows.append(
            f"| {kind} | {electorate} | {percent(rule.quorum_bps)} | "
            f"{percent(rule.threshold_bps)} | {rule.window_blocks} | {rule.notice_blocks} |\n"
        )
    return "".join(rows)


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items())
    return str(value)


def percent(bps: int) -> str:
    """Basis points as people say them."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02d} %" if rest else f"{whole} %"
