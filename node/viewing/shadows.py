"""The tables of the observer's read store as a viewer sees them: views that stand before them.

A connection with these temporary views answers every query, whatever it joins or counts, from what
the viewer may see. What is public has no view and is read as it is; totals that everybody sees are
asked of `main.TABLE`. The conditions say in SQL what `node.viewing.concerns` says of rows.
"""

import re
from collections.abc import Iterator
from typing import Final

from ledger import objects as o
from node.viewing.concerns import LEI_LENGTH
from node.viewing.viewer import Mandated, Viewer

_SAFE: Final = re.compile(r"[0-9A-Z]{20}")
"""A LEI, and nothing that could end a string of SQL."""

PARTIES: Final[dict[str, tuple[str, ...]]] = {
    "balances": ("lei", "secured"),
    "trades": ("buyer_member", "seller_member"),
    "sets": ("first_member", "second_member"),
    "exposures": ("first", "second"),
    "calls": ("payer_member", "receiver_member"),
    "disputes": ("first", "second"),
    "round_pairs": ("debtor", "creditor"),
    "stressed": ("parent",),
    "contributions": ("lei",),
    "contract_steps": ("buyer_member", "seller_member"),
    "vm_steps": ("first", "second"),
    "custody_steps": ("poster", "secured"),
    "limits": ("member",),
    "collateral": ("first", "second"),
    "im_required": ("first", "second"),
    "resources": ("lei",),
}
"""Columns that name the parties of a line, by table; a LEI, or an account that begins with one."""

WHOLE_COLUMN: Final = frozenset({
    "buyer_member", "seller_member", "first_member", "second_member", "payer_member",
    "receiver_member", "lei", "parent", "member",
})  # fmt: skip
"""Of these, columns that hold a LEI and nothing else: found by their indexes."""

BY_PRODUCT: Final = ("trades", "contract_steps")
"""Tables whose lines are of one product each; others add several up."""

DATES: Final[dict[str, str]] = {
    "trades": "trade_date",
    "contract_steps": "trade_date",
    "collateral": "date",
    "im_required": "date",
    "resources": "date",
    "exposures": "date",
    "calls": "date",
    "disputes": "date",
    "stressed": "date",
    "round_pairs": "(SELECT r.date FROM main.rounds r WHERE r.number=round_pairs.number)",
}
"""Of which business date a line is; of other tables it is of now."""

NAMED: Final = ("transactions", "case_steps")
"""Tables whose lines name, in columns of their own, whose business they are (`of_event`,
`of_action`): `parties` with a space around each, `*` for everybody's; product and date."""


def shadows_of(viewer: Viewer) -> tuple[str, ...]:
    """The statements that make the views of a viewer; none for who sees everything."""
    if viewer.everything:
        return ()
    found = [_view(table, _lines(viewer, table)) for table in PARTIES]
    found += [_view(table, _named(viewer)) for table in NAMED]
    found.append(_cycles(viewer))
    found.append(_looks(viewer))
    found.append(_view("alerts", _alerts(viewer)))
    found += _public_parts(viewer)
    return tuple(found)


SHADOWED: Final = (*PARTIES, *NAMED, "cycles", "looks", "alerts", "fund_sizes", "cases")


def _view(table: str, condition: str) -> str:
    columns = "*"
    if table == "round_pairs":  # why no more was cancelled tells of others' debts
        columns = (
            "number, asset, debtor, creditor, owed, set_off, cycled, price, '' AS why, settled, "
            "because_of"
        )
    return f"CREATE TEMP VIEW {table} AS SELECT {columns} FROM main.{table} WHERE {condition}"


def _lines(viewer: Viewer, table: str) -> str:
    by = viewer.mandated
    if by is None:
        return _named_in(table, (viewer.own,))
    conditions = [_dated(by, DATES.get(table))]
    if table in BY_PRODUCT:
        conditions.append(_in_products(by, "product"))
    else:
        conditions.append(str(int(by.whole)))
    if by.mandate.members:
        conditions.append(f"({_named_in(table, by.mandate.members)})")
    return " AND ".join(conditions)


def _named_in(table: str, members: tuple[str, ...]) -> str:
    listed = _list(members)
    return " OR ".join(
        f"{column} IN ({listed})"
        if column in WHOLE_COLUMN
        else f"substr({column}, 1, {LEI_LENGTH}) IN ({listed})"
        for column in PARTIES[table]
    )


def _named(viewer: Viewer) -> str:
    by = viewer.mandated
    if by is None:
        return f"parties='*' OR ({_any_in('parties', (viewer.own,))})"
    products = f"({_in_products(by, 'product')} OR (product='' AND {int(by.whole)}))"
    conditions = [_dated(by, f"COALESCE(about_date, {by.today})"), products]
    if by.mandate.members:
        conditions.append(f"({_any_in('parties', by.mandate.members)})")
    else:
        conditions.append("parties<>''")
    return f"parties='*' OR ({' AND '.join(conditions)})"


def _cycles(viewer: Viewer) -> str:
    """A cycle tells of the debts of all who are on it, so it is shown to who may see them all."""
    by = viewer.mandated
    condition = "0"
    if by is not None and not by.mandate.members and by.whole:
        date = "(SELECT r.date FROM main.rounds r WHERE r.number=cycles.number)"
        condition = _dated(by, date)
    return _view("cycles", condition)


def _alerts(viewer: Viewer) -> str:
    """An alert that names no member is everybody's; of others those who may see who it is about."""
    by = viewer.mandated
    if by is None:
        about = f"member IN ({_list((viewer.own,))}) OR other IN ({_list((viewer.own,))})"
    else:
        about = f"{_dated(by, f'COALESCE(about_date, {by.today})')} AND {int(by.whole)}"
        if by.mandate.members:
            named = _list(by.mandate.members)
            about += f" AND (member IN ({named}) OR other IN ({named}))"
    return f"member='' OR ({about})"


def _looks(viewer: Viewer) -> str:
    """That an authority has looked is public; at whom, the member's and the authority's to know."""
    own = viewer.own if viewer.mandated is None else viewer.mandated.authority
    known = f"member IN ({_list((own,))}) OR authority IN ({_list((own,))})"
    told = ", ".join(
        f"CASE WHEN {known} THEN {column} ELSE {empty} END AS {column}"
        for column, empty in {
            "member": "''", "person": "''", "what": "''", "purpose": "''", "at_height": "0",
            "time_ms": "0",
        }.items()
    )  # fmt: skip
    return (
        "CREATE TEMP VIEW looks AS SELECT authority, digest, mandate, routine, committed, due, "
        f"disclosed, overdue, height, {told} FROM main.looks"
    )


def _public_parts(viewer: Viewer) -> Iterator[str]:
    """What everybody sees of public lines, as `concerns.public_part` leaves them of records."""
    yield (
        "CREATE TEMP VIEW fund_sizes AS SELECT date, service, requirement, scenario, '' AS parents,"
        " fund, rule, height FROM main.fund_sizes"
    )
    by = viewer.mandated
    if by is None:
        own = f"defaulter='{viewer.own}'" if _safe(viewer.own) else "0"
    else:
        named = f"defaulter IN ({_list(by.mandate.members)})" if by.mandate.members else "1"
        own = f"{_dated(by, None)} AND {int(by.whole)} AND {named}"
    yield (
        "CREATE TEMP VIEW cases AS SELECT number, defaulter, cause, reason, state, opened, "
        "declared, until, fixed, loss, recovered, repaid, ended, applied, "
        f"CASE WHEN {own} THEN cure ELSE '[]' END AS cure, rulebook, height FROM main.cases"
    )


def _dated(by: Mandated, column: str | None) -> str:
    first, last = int(by.mandate.first_date), int(by.mandate.last_date)
    return f"{by.today if column is None else column} BETWEEN {first} AND {last}"


def _in_products(by: Mandated, column: str) -> str:
    if not by.mandate.products:
        return "1"
    names = ", ".join(f"'{o.Product(one).name}'" for one in by.mandate.products)
    return f"{column} IN ({names})"


def _any_in(column: str, members: tuple[str, ...]) -> str:
    return " OR ".join(f"instr({column}, ' {one} ')" for one in members if _safe(one)) or "0"


def _list(members: tuple[str, ...]) -> str:
    return ", ".join(f"'{one}'" for one in members if _safe(one)) or "NULL"


def _safe(lei: str) -> bool:
    return _SAFE.fullmatch(lei) is not None
