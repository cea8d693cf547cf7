"""At whose data an answer is a look: the members that it names outside what is public."""

import re
from typing import Any, Final

import msgspec

from ledger import tables as t
from node.apitypes.shown import AnyRow, Line, Shown
from node.viewing import concerns

PUBLIC_ANSWERS: Final = frozenset({
    "Absent", "BlockSeen", "CaseLine", "CommitView", "DayDefault", "Decided", "FundSize",
    "MemberLine", "Now", "OpenCount", "Participation", "Registered", "RoundInAsset", "RoundOf",
    "RoundTold", "RulebookView",
    "SeenLook", "SeenMandate", "Status", "Standing", "LightView", "Voter",
})  # fmt: skip
"""Answers and lines whose members everybody sees; the lists inside are looked through."""

ROUTINE_ANSWERS: Final = frozenset({"DailyReport", "TradeReport"})
"""Reports about everybody that the mandate names. Asked about one member, a report is a look as any
other."""

_LEI: Final = re.compile(r"\b[0-9A-Z]{18}[0-9]{2}\b")

_PUBLIC_ROWS: Final = tuple(table.row for table in concerns.PUBLIC_TABLES)
_PUBLIC_KINDS: Final = frozenset(
    kind.__name__ for kind in (*concerns.PUBLIC_EVENTS, *concerns.PUBLIC_ACTIONS)
)
_PUBLIC_NAMES: Final = frozenset(table.name for table in concerns.PUBLIC_TABLES)


def members_in(answer: Any) -> set[str]:
    """LEIs in an answer, or in what is inside it, that do not stand in public lines."""
    found: set[str] = set()
    _walk(answer, found)
    return found


def is_routine(answer: Any) -> bool:
    """Whether an answer is a routine report, whose looks have no embargo."""
    return type(answer).__name__ in ROUTINE_ANSWERS and not getattr(answer, "member", "")


def _walk(value: Any, found: set[str]) -> None:
    match value:
        case Shown(record=record) | Line(record=record):
            if not isinstance(record, (*_PUBLIC_ROWS, *concerns.PUBLIC_EVENTS)):
                _walk(value.plain(), found)
        case AnyRow():
            _walk(value.plain(), found)
        case msgspec.Struct():
            _walk_answer(value, found)
        case dict():
            for item in value.values():
                _walk(item, found)
        case list() | tuple():
            for item in value:
                _walk(item, found)
        case str():
            found.update(_LEI.findall(value))


def _walk_answer(answer: msgspec.Struct, found: set[str]) -> None:
    kind = getattr(answer, "type", None) or getattr(answer, "kind", None)
    if isinstance(kind, str) and kind in _PUBLIC_KINDS:
        return
    if type(answer).__name__ == "AlertLine" and not getattr(answer, "member", ""):
        return
    if type(answer).__name__ == "TableRow" and _table_of(answer) in _PUBLIC_NAMES:
        return
    public = type(answer).__name__ in PUBLIC_ANSWERS
    for name in answer.__struct_fields__:
        item = getattr(answer, name)
        inside = isinstance(item, list) and bool(item) and isinstance(item[0], msgspec.Struct)
        if not public or inside or isinstance(item, msgspec.Struct):
            _walk(item, found)


def _table_of(row: Any) -> str:
    return t.table_of(bytes.fromhex(row.id)).name
