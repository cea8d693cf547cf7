"""What a testnet run has shown: collected from the nodes, judged, printed."""

import re
from typing import Any

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from node.cli.testnet.drive import Drive
from node.cli.testnet.plan import expected_gross_vm
from node.samples import percentile


class NodeReport(msgspec.Struct, frozen=True):
    """One node at the end."""

    name: str
    role: str
    height: int
    state_root: str


class Report(msgspec.Struct, frozen=True):
    """The figures of a run; amounts in cents."""

    consistent: bool
    nodes: list[NodeReport]
    trades_submitted: int
    trades_cleared: int
    vm_gross: int
    vm_gross_expected: int
    """Reckoned from trades and prices alone."""
    vm_after_cycles: int
    cash_moved: int
    rounds: int
    finality_ms: dict[str, int | None]
    invariants: dict[str, Any]
    evidence: int
    chaos: list[str]
    duration_s: float
    seed: int
    default: dict[str, Any] | None
    """The case of the member that stopped paying, as the ledger has it."""
    verdict: bool
    findings: list[str]
    """Why the verdict does not hold; empty if it does."""


async def collect(drive: Drive, chaos: list[str], duration_s: float) -> Report:
    """The figures, read from the nodes when all are at one height."""
    failure = drive.replay.failure
    case = None if failure is None else await drive.resolved(failure.lei)
    statuses = await drive.level()
    names = {place.lei: place.name for place in (n.place for n in drive.nodes.values())}
    nodes = [NodeReport(names[s["lei"]], s["role"], s["height"], s["state_root"]) for s in statuses]
    found = await drive.members[0].get("/v1/rounds?limit=500")
    rounds = found["items"] if found else []
    figures = [figure for row in rounds for figure in row["figures"]]
    samples: list[int] = []
    broken: list[str] = []
    checked: list[str] = []
    for node in drive.nodes.values():
        samples += await node.get("/v1/finality") or []
        laws = await node.get("/v1/invariants")
        if laws is None or not laws["hold"]:
            broken.append(f"{node.place.name}: {laws and laws['detail']}")
        else:
            checked = laws["checked"]
    roots = {(n.height, n.state_root) for n in nodes}
    expected = expected_gross_vm(drive.replay)
    gross = sum(figure["gross"] for figure in figures)
    cleared, live = statuses[0]["live_contracts"], drive.submitted - drive.ended
    failing: set[str] = set() if failure is None else {failure.lei}
    evidence = sum(s["evidence"] for s in statuses)
    findings = [
        text
        for failed, text in (
            (len(roots) != 1 or len(nodes) != len(drive.nodes), "the nodes' states differ"),
            (cleared != live, f"{live - cleared} trades did not clear"),
            # A default leaves margin open, which is frozen once more.
            (
                gross != expected and failure is None,
                f"gross variation margin is {gross}, reckoned {expected}",
            ),
            (bool(broken), f"invariants: {'; '.join(broken)}"),
            (evidence > 0, f"{evidence} times a validator contradicted itself"),
            (any(set(row["failed"]) - failing for row in rounds), "a member failed a round"),
            (case is not None and not _adds_up(case), "what was borne is not the loss"),
        )
        if failed
    ]
    return Report(
        consistent=len(roots) == 1 and len(nodes) == len(drive.nodes),
        nodes=nodes,
        trades_submitted=drive.submitted,
        trades_cleared=cleared,
        vm_gross=gross,
        vm_gross_expected=expected,
        vm_after_cycles=sum(figure["remaining"] for figure in figures),
        cash_moved=sum(figure["cash_moved"] for figure in figures),
        rounds=len(rounds),
        finality_ms={"p50": percentile(samples, 50), "p95": percentile(samples, 95)},
        invariants={"hold": not broken, "checked": checked},
        evidence=evidence,
        chaos=chaos,
        duration_s=round(duration_s, 1),
        seed=drive.replay.seed,
        default=case,
        verdict=not findings,
        findings=findings,
    )


def show(report: Report, console: Console) -> None:
    """The final screen."""
    nodes = Table(title="Nodes", title_justify="left")
    for column in ("node", "role", "height", "state root"):
        nodes.add_column(column)
    for node in report.nodes:
        nodes.add_row(node.name, node.role, str(node.height), node.state_root[:32] + "…")
    console.print(nodes)
    figures = Table(title="The replay", title_justify="left", show_header=False)
    figures.add_column()
    figures.add_column(justify="right")
    p50, p95 = report.finality_ms["p50"], report.finality_ms["p95"]
    for name, value in (
        ("trades submitted", f"{report.trades_submitted:,}"),
        ("trades cleared", f"{report.trades_cleared:,}"),
        ("gross variation margin", _dollars(report.vm_gross)),
        ("left after cycles", _dollars(report.vm_after_cycles)),
        ("cash that had to move", _dollars(report.cash_moved)),
        ("netting rounds", str(report.rounds)),
        ("finality p50 / p95", f"{p50} ms / {p95} ms"),
        ("invariants", "hold" if report.invariants["hold"] else "BROKEN"),
        ("default", _default(report.default)),
        ("faults on purpose", "; ".join(report.chaos) or "none"),
        ("duration", f"{report.duration_s} s"),
        ("seed", str(report.seed)),
    ):
        figures.add_row(name, value)
    console.print(figures)
    if report.verdict:
        text = "The verdict holds: every node has the same state, every trade is cleared."
        if report.default is not None:
            text = (
                "The verdict holds: every node has the same state, the defaulter is closed out, "
                "its loss is borne to the cent, everybody else's trades go on."
            )
        console.print(Panel(text, style="green"))
    else:
        console.print(Panel("\n".join(report.findings), title="The verdict fails", style="red"))


def _adds_up(case: dict[str, Any]) -> bool:
    return sum(int(x["amount"]) for x in case["applied"]) == int(case["loss"])


def _default(case: dict[str, Any] | None) -> str:
    if case is None:
        return "none"
    borne = "".join(f"\n{x['tranche']} {_dollars(x['amount'])}" for x in case["applied"])
    return f"{case['defaulter']}, claims {_dollars(case['loss'])}{borne}"


def picture(console: Console) -> str:
    """What the console has shown, as an SVG that asks no server for a font."""
    return re.sub(r"@font-face \{[^}]*\}", "", console.export_svg(title="dcn testnet run"))


def _dollars(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d} USD"
