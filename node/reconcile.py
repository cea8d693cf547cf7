"""A member's own book against the ledger: every trade, field by field, each break explained."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from ledger.objects import ContractState, Trade
from node.blotter import differences
from wire.ids import member_of

Kind = Literal["missing_on_ledger", "missing_in_book", "field", "state"]

MEANING: Final[Mapping[Kind, str]] = {
    "missing_on_ledger": "the book has the trade, the ledger has not: it was never submitted, not "
    "affirmed, or refused; `dcn trade show UTI` tells which",
    "missing_in_book": "the ledger has the trade, signed by both sides, the book has not",
    "field": "both have the trade and differ in this field; what both sides signed is the ledger's",
    "state": "the ledger has the trade and it is not live any more: take it off the book",
}


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between book and ledger."""

    uti: str
    kind: Kind
    field: str = ""
    book: str = ""
    ledger: str = ""

    @property
    def explained(self) -> str:
        """What it means, in words."""
        return MEANING[self.kind]


def reconcile(lei: str, book: Iterable[Trade], ledger: Iterable[tuple[Trade, str]]) -> list[Break]:
    """All breaks in order of UTI. `ledger`: registered trades and the names of their states; only
    those of `lei`, or of its clients, are looked at. The free-text reference is each side's own."""
    mine = {trade.uti: trade for trade in book}
    theirs = {trade.uti: (trade, state) for trade, state in ledger if _concerns(lei, trade)}
    found: list[Break] = []
    for uti in sorted({*mine, *theirs}):
        if uti not in theirs:
            found.append(Break(uti=uti, kind="missing_on_ledger"))
            continue
        trade, state = theirs[uti]
        live = state == ContractState.LIVE.name
        if uti not in mine:
            if live:
                found.append(Break(uti=uti, kind="missing_in_book"))
            continue
        found += [
            Break(uti=uti, kind="field", field=one.field, book=one.ours, ledger=one.theirs)
            for one in differences(mine[uti], trade)
        ]
        if not live:
            found.append(Break(uti=uti, kind="state", field="state", book="LIVE", ledger=state))
    return found


def _concerns(lei: str, trade: Trade) -> bool:
    return lei in (member_of(trade.buyer), member_of(trade.seller))
