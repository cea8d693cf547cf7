"""Who owes whom, before and after, as one SVG picture that needs nothing else to be seen."""

import html
import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from netting.graph import Ints, exact_sum
from node.cli.net.sheets import Debts
from node.cli.output import printable

MEMBERS_MAX: Final = 24
"""Drawn one by one, the largest first; the rest is one circle, "others"."""

ARROWS_MAX: Final = 160
"""Drawn in each half, the largest first."""

_SIZE: Final = 560
_RADIUS: Final = 190.0
_TOP: Final = 70
_LABEL_MAX: Final = 16

_STYLE: Final = """<style>
text { font: 13px system-ui, sans-serif; fill: #1b2733; }
.title { font-size: 17px; font-weight: 600; }
.note { fill: #5a6b7b; }
.amount { font-size: 11px; fill: #36495c; paint-order: stroke; stroke: #fff; stroke-width: 3px; }
.member { fill: #e8eef5; stroke: #36495c; }
.before { stroke: #b4552d; } .after { stroke: #2d6fb4; }
.owes { fill: none; stroke-opacity: .75; }
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9"
 markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#36495c"/>
</marker></defs>"""


@dataclass(frozen=True, slots=True)
class _Arrow:
    debtor: int
    creditor: int
    amount: int


def before_and_after(debts: Debts, left: Ints, title: str) -> str:
    """The picture. `left`: int64[m], what is left of each obligation."""
    labels, place = _drawn(debts)
    before, after = (_arrows(debts, place, amount) for amount in (debts.amount, left))
    widest = max((arrow.amount for arrow in before), default=1)
    halves = [
        _half(labels, arrows, widest, kind, f"{name}: {exact_sum(amount):,}", shift)
        for arrows, kind, name, amount, shift in (
            (before, "before", "Before", debts.amount, 0),
            (after, "after", "After", left, _SIZE),
        )
    ]
    members = len(debts.labels)
    note = f"{members:,} members, {len(debts.amount):,} obligations"
    if members > MEMBERS_MAX:
        note += f"; the {MEMBERS_MAX - 1} largest are drawn, the others are one circle"
    if len(before) == ARROWS_MAX or len(after) == ARROWS_MAX:
        note += f"; the {ARROWS_MAX} largest debts of each half"
    wide, high = 2 * _SIZE, _SIZE + _TOP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
            f'role="img"><title>{_text(title, 80)}, before and after netting</title>',
            _STYLE,
            f'<rect width="{wide}" height="{high}" fill="#fff"/>',
            f'<text class="title" x="24" y="30">{_text(title, 80)}</text>',
            f'<text class="note" x="24" y="50">{note}</text>',
            *halves,
            "</svg>",
            "",
        ]
    )


def _drawn(debts: Debts) -> tuple[list[str], Ints]:
    """Labels of the circles, and int64[n]: which circle each member is in."""
    n = len(debts.labels)
    if n <= MEMBERS_MAX:
        return list(debts.labels), np.arange(n)
    gross = np.zeros(n, np.int64)
    # Halved, so that a debt and a claim of the largest amount do not wrap around.
    np.add.at(gross, debts.debtor, debts.amount >> 1)
    np.add.at(gross, debts.creditor, debts.amount >> 1)
    largest = np.sort(np.argsort(-gross, kind="stable")[: MEMBERS_MAX - 1])
    place = np.full(n, len(largest), np.int64)
    place[largest] = np.arange(len(largest))
    others = f"{n - len(largest):,} others"
    return [*(debts.labels[who] for who in largest.tolist()), others], place


def _arrows(debts: Debts, place: Ints, amount: Ints) -> list[_Arrow]:
    """What the circles owe each other, the largest first."""
    totals: dict[tuple[int, int], int] = {}
    counted = np.flatnonzero((amount > 0) & (place[debts.debtor] != place[debts.creditor]))
    rows = zip(
        place[debts.debtor[counted]].tolist(),
        place[debts.creditor[counted]].tolist(),
        amount[counted].tolist(),
        strict=True,
    )
    for debtor, creditor, owed in rows:
        totals[debtor, creditor] = totals.get((debtor, creditor), 0) + owed
    largest = sorted(totals.items(), key=lambda entry: (-entry[1], entry[0]))[:ARROWS_MAX]
    return [_Arrow(debtor, creditor, owed) for (debtor, creditor), owed in largest]


def _half(
    labels: list[str], arrows: list[_Arrow], widest: int, kind: str, title: str, shift: int
) -> str:
    spots = [_spot(number, len(labels)) for number in range(len(labels))]
    parts = [
        f'<g transform="translate({shift},{_TOP})">',
        f'<text class="title" x="{_SIZE // 2}" y="14" text-anchor="middle">{title}</text>',
    ]
    amounts = []
    for arrow in arrows:
        path, middle = _curve(spots[arrow.debtor], spots[arrow.creditor])
        width = 0.8 + 3.2 * math.log1p(arrow.amount) / math.log1p(widest)
        said = (
            f"{_text(labels[arrow.debtor], 80)} owes {_text(labels[arrow.creditor], 80)} "
            f"{arrow.amount:,}"
        )
        parts.append(
            f'<path class="owes {kind}" d="{path}" stroke-width="{width:.1f}" '
            f'marker-end="url(#tip)"><title>{said}</title></path>'
        )
        if len(arrows) <= MEMBERS_MAX:
            x, y = middle
            amounts.append(
                f'<text class="amount" x="{x:.1f}" y="{y:.1f}" text-anchor="middle">'
                f"{arrow.amount:,}</text>"
            )
    for label, (x, y) in zip(labels, spots, strict=True):
        parts.append(f'<circle class="member" cx="{x:.1f}" cy="{y:.1f}" r="9"/>')
        parts.append(_label(label, x, y))
    return "\n".join([*parts, *amounts, "</g>"])


def _spot(number: int, count: int) -> tuple[float, float]:
    turn = 2 * math.pi * number / count - math.pi / 2
    centre = _SIZE / 2
    return centre + _RADIUS * math.cos(turn), centre + _RADIUS * math.sin(turn)


def _curve(start: tuple[float, float], end: tuple[float, float]) -> tuple[str, tuple[float, float]]:
    """A bow from edge to edge of two circles, so that both directions are seen; its middle."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    bend_x = (start[0] + end[0]) / 2 - 0.14 * dy
    bend_y = (start[1] + end[1]) / 2 + 0.14 * dx
    gap = 11 / length
    x1, y1 = start[0] + dx * gap, start[1] + dy * gap
    x2, y2 = end[0] - dx * gap, end[1] - dy * gap
    middle = (x1 + 2 * bend_x + x2) / 4, (y1 + 2 * bend_y + y2) / 4
    return f"M{x1:.1f} {y1:.1f}Q{bend_x:.1f} {bend_y:.1f} {x2:.1f} {y2:.1f}", middle


def _label(label: str, x: float, y: float) -> str:
    centre = _SIZE / 2
    out_x = centre + (x - centre) * (1 + 18 / _RADIUS)
    out_y = centre + (y - centre) * (1 + 18 / _RADIUS) + 4
    side = "middle" if abs(x - centre) < 20 else "start" if x > centre else "end"
    return (
        f'<text x="{out_x:.1f}" y="{out_y:.1f}" text-anchor="{side}">'
        f"{_text(label, _LABEL_MAX)}</text>"
    )


def _text(label: str, longest: int) -> str:
    """Fit for XML: no control characters, escaped, cut short."""
    clean = printable(label)
    cut = clean if len(clean) <= longest else clean[: longest - 1] + "…"
    return html.escape(cut)
