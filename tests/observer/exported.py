"""A ledger's tables as `dcn export` writes them, read by DuckDB: sums without the node's code."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from ledger import tables as t
from ledger.state import State
from node.cli.export import _csv, _flat
from node.plain import plain

TABLES = ("trade", "instrument", "mark", "asset", "netting_set", "balance", "contribution", "csa",
    "obligation", "default_case", "member", "client_account",
)  # fmt: skip


class Exported:
    """The files of one state, and SQL over them."""

    def __init__(self, state: State, folder: Path) -> None:
        folder.mkdir()
        self.db = duckdb.connect()
        for name in TABLES:
            table = t.BY_NAME[name]
            rows = [
                {"key": " ".join(map(str, table.parts(key))), **_flat(plain(row))}
                for key, row in state.scan(table)
            ]
            self._load(name, _csv(rows) if rows else _header(table), folder)

    def _load(self, name: str, content: bytes, folder: Path) -> None:
        path = folder / f"{name}.csv"
        path.write_bytes(content)
        self.db.execute(
            f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', header=true, "
            "all_varchar=true, delim=',', quote='\"', escape='\"')"
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.db.execute(query).fetchall()

    def dict(self, query: str) -> dict[Any, Any]:
        """By all columns but the last, the last."""
        return {row[:-1] if len(row) > 2 else row[0]: row[-1] for row in self.rows(query)}

    def close(self) -> None:
        """Forget it."""
        self.db.close()


def _header(table: t.Table[Any]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerow(["key", *table.row.__struct_fields__])
    return out.getvalue().encode()


CONTRACTS = """
SELECT uti, buyer, seller, currency, quantity, price,
       CAST(round_even(quantity * price * minor / scale, 0) AS HUGEINT) AS notional,
       CAST(round_even(quantity * (mark - price) * minor / scale, 0) AS HUGEINT) AS value, state,
       least(buyer, seller) AS first, greatest(buyer, seller) AS second FROM (
  SELECT c.trade ->> '$.uti' AS uti, c.trade ->> '$.buyer' AS buyer,
         c.trade ->> '$.seller' AS seller, CAST(c.trade ->> '$.quantity' AS HUGEINT) AS quantity,
         CAST(c.trade ->> '$.price' AS HUGEINT) AS price, i.currency, c.state,
         CAST(i.price_scale AS HUGEINT) AS scale, CAST(m.value AS HUGEINT) AS mark,
         CAST(10 ** CAST(a.exponent AS INTEGER) AS HUGEINT) AS minor
  FROM trade c JOIN instrument i ON i.code = c.trade ->> '$.instrument'
  JOIN asset a ON a.code = i.currency
  LEFT JOIN mark m ON m.key = i.feed || ' {date}'
) WHERE state IN ('LIVE', 'IN_TERMINATION')
"""
"""Contracts that are not over, valued at the marks of a date, seen from the buyer. Numbers are so
small that a half is one in floating point."""

POSITIONS = """
SELECT split_part(key, ' ', 1) AS first, split_part(key, ' ', 2) AS second,
       p ->> '$.asset' AS asset,
       CAST(p ->> '$.settled' AS HUGEINT) AS settled,
       CAST(p ->> '$.held_first' AS HUGEINT) AS held_first,
       CAST(p ->> '$.held_second' AS HUGEINT) AS held_second,
       CAST(p ->> '$.notional' AS HUGEINT) AS notional, CAST(p ->> '$.live' AS HUGEINT) AS live
FROM (SELECT key, unnest(CAST(positions AS JSON[])) AS p FROM netting_set)
"""

CUSTODY = """
SELECT split_part(split_part(key, ' ', 3), '>', 1) AS poster,
       split_part(split_part(key, ' ', 3), '>', 2) AS secured, split_part(key, ' ', 4) AS asset,
       CAST(balance AS HUGEINT) AS amount
FROM balance WHERE split_part(key, ' ', 2) = '3' AND balance <> '0'
"""
"""Accounts of kind 3 are those of initial margin."""


def total(found: Iterable[int | None]) -> int:
    """The sum of what is there."""
    return sum(x for x in found if x is not None)
