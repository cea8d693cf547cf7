"""A replay as one SVG picture: what each regime asks for, and who bears the default."""

import html
from typing import Final

from node.replay.report import Report

_WIDE: Final = 920
_ROW: Final = 26
_LEFT: Final = 210
_BAR: Final = 520
_COLOURS: Final = {
    "daily": "#2d6fb4", "hourly": "#6aa5d9", "T+2": "#d9a441", "bilateral": "#b4552d",
}  # fmt: skip
_STYLE: Final = """<style>
text { font: 13px system-ui, sans-serif; fill: #1b2733; }
.title { font-size: 17px; font-weight: 600; }
.head { font-weight: 600; } .note { fill: #5a6b7b; }
</style>"""

Bar = tuple[str, int, str]
"""(label, amount in cents, colour)."""


def chart(report: Report) -> str:
    """The picture: groups of bars, each group to its own scale."""
    groups: list[tuple[str, list[Bar]]] = []
    for title, figure in (("Peak funding, all members", "peak"), ("Turnover", "turnover")):
        bars = [
            (name, sum(getattr(one, figure) for one in by.values()), _COLOURS[name])
            for name, by in report.funding.items()
        ]
        groups.append((title, bars))
    claims = [(name, one.claims, _COLOURS[name]) for name, one in report.defaults.items()]
    claims += [(name, one.claims, _COLOURS[name]) for name, one in report.elsewhere.items()]
    if claims:
        groups.append(("Claims on the defaulter", claims))
    for name, default in report.defaults.items():
        borne = [(tranche, amount, _COLOURS[name]) for tranche, amount in default.borne.items()]
        groups.append((f"Who bears it, {name} cycles", borne))
    lines, y = [], 84
    for title, bars in groups:
        lines.append(f'<text class="head" x="24" y="{y}">{html.escape(title)}</text>')
        y += 10
        longest = max((amount for _, amount, _ in bars), default=0) or 1
        for label, amount, colour in bars:
            lines += _bar(label, amount, colour, amount * _BAR // longest, y)
            y += _ROW
        y += 28
    title = f"{report.first} to {report.last}, {report.wanted.members} members"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {y}" role="img">'
            f"<title>Replay {title}</title>",
            _STYLE,
            f'<rect width="{_WIDE}" height="{y}" fill="#fff"/>',
            f'<text class="title" x="24" y="32">Replay {title}, '
            f"{report.wanted.trades} contracts, US dollars</text>",
            f'<text class="note" x="24" y="52">{html.escape(report.synthetic)}</text>',
            *lines,
            "</svg>",
            "",
        ]
    )


def _bar(label: str, amount: int, colour: str, width: int, y: int) -> list[str]:
    middle = y + 17
    return [
        f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{html.escape(label)}</text>',
        f'<rect x="{_LEFT}" y="{y + 4}" width="{max(1, width)}" height="18" fill="{colour}"/>',
        f'<text class="note" x="{_LEFT + width + 8}" y="{middle}">{amount // 100:,}</text>',
    ]
