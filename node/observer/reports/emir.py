"""Codes of the trade report: those of Implementing Regulation (EU) 2022/1860 (EMIR REFIT).

As far as the ledger's terms have one. docs/REPORTS.md has the fields with their numbers.
"""

from typing import Final, NamedTuple

CONTRACT_TYPES: Final = {
    "EQUITY_FORWARD": "FORW",
    "FUTURE": "FUTR",
    "TOTAL_RETURN_SWAP": "SWAP",
    "FX_SPOT": "OTHR",
    "FX_FORWARD": "FORW",
    "BOND": "OTHR",
}
"""Field 2.10. Spot exchange and bonds are no derivatives: they are listed for completeness."""

ASSET_CLASSES: Final = {
    "CREDIT": "CRDT",
    "RATES": "INTR",
    "FX": "CURR",
    "EQUITY": "EQUI",
    "COMMODITY": "COMM",
    "OTHER": "",
}
"""Field 2.11."""

BUYER, SELLER = "BYER", "SLLR"
"""Field 1.17."""

OBSERVED, CARRIED = "MTMA", "MTMO"
"""Field 2.24: marked to market by a quorum; or by the mark before, carried forward."""


class Action(NamedTuple):
    """Fields 2.151 and 2.152 of a step; empty: nothing is reported for it."""

    action: str
    event: str


NOTHING: Final = Action("", "")

ACTIONS: Final = {
    "REGISTERED": Action("NEWT", "TRAD"),
    "AMENDED": Action("MODI", "TRAD"),
    "PARTLY_TERMINATED": Action("MODI", "ETRM"),
    "TERMINATED": Action("TERM", "ETRM"),
    "CLOSED_OUT": Action("TERM", "ETRM"),
    "CANCELLED": Action("EROR", ""),
    "NOVATED": Action("TERM", "NOVA"),
    "NOVATION": Action("NEWT", "NOVA"),
    "TRANSFERRED": Action("NEWT", "NOVA"),
    "MATURED": NOTHING,
    "FROZEN": NOTHING,
    "RESUMED": NOTHING,
    "KNOWN": NOTHING,
}
"""Of every step that a contract can take. A contract that matures is reported by nobody: it ends by
its own terms."""
