"""What `dcn net solve` says of a result: figures, every obligation, a picture."""

import csv
from io import StringIO
from typing import Any

from netting.cycles import count
from netting.graph import exact_sum
from node.cli.net.mode import Mode
from node.cli.net.modes import Judged, Posed
from node.cli.net.plot import before_and_after
from node.cli.net.sheets import Debts
from node.cli.output import printable


def figures(posed: Posed, judged: Judged) -> dict[str, Any]:
    """What `--json` says of a result, certificate and time apart."""
    gross = exact_sum(posed.debts.amount)
    cycles = 0 if posed.mode is Mode.GRIDLOCK else count(posed.graph, judged.flows)
    return {
        "mode": posed.mode.value,
        "members": len(posed.debts.labels),
        "obligations": len(posed.debts.amount),
        "gross": gross,
        "set_off": judged.set_off,
        "cleared": judged.cleared,
        "share": round(judged.cleared / gross, 6) if gross else 0.0,
        "objective": judged.objective.name.lower(),
        "unique": judged.unique,
        "cycles": cycles,
        "cash_moved": judged.cash_moved,
        "failed": list(judged.failed),
        "liquidity_events": list(judged.liquidity_events),
        **judged.more,
    }


def drawn(posed: Posed, judged: Judged, title: str) -> bytes:
    """The picture of `--plot`."""
    left = posed.debts.amount - judged.cancelled - judged.settled
    return before_and_after(posed.debts, left, title).encode()


def result_csv(debts: Debts, judged: Judged) -> bytes:
    """The file of `--result`: every obligation and what became of it."""
    written = StringIO(newline="")
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(["debtor", "creditor", "amount", "cancelled", "settled", "left"])
    left = debts.amount - judged.cancelled - judged.settled
    rows.writerows(
        zip(
            map(debts.labels.__getitem__, debts.debtor.tolist()),
            map(debts.labels.__getitem__, debts.creditor.tolist()),
            debts.amount.tolist(),
            judged.cancelled.tolist(),
            judged.settled.tolist(),
            left.tolist(),
            strict=True,
        )
    )
    return written.getvalue().encode()


def readable(figures: dict[str, Any]) -> dict[str, Any]:
    """The same figures for people."""
    shown: dict[str, Any] = {}
    for name, value in figures.items():
        if isinstance(value, int) and not isinstance(value, bool):
            shown[name] = f"{value:,}"
        elif isinstance(value, list):
            shown[name] = _listed(value)
        else:
            shown[name] = value
    return shown


def _listed(labels: list[str]) -> str:
    first = ", ".join(printable(label) for label in labels[:10])
    return first + (f" and {len(labels) - 10:,} more" if len(labels) > 10 else "") or "none"
