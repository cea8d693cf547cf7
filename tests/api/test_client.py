"""The typed clients, exports that add up, and a book that is compared field by field."""

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ledger import tables as t
from ledger.objects import Trade
from node.api.reading import PAGE_MAX
from node.cli import export
from node.client import AsyncNodeClient, calls
from node.daemon import Daemon
from node.reconcile import reconcile
from wire.errors import CodedError

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")


@pytest.fixture
def filled(filled_watched: Path) -> Path:
    """A node that shows everything."""
    return filled_watched


@pytest.fixture
async def typed(daemon: Daemon, app: Any) -> AsyncIterator[AsyncNodeClient]:
    through = httpx.ASGITransport(app)
    async with AsyncNodeClient("http://node", daemon.home.token(), transport=through) as found:
        yield found


async def test_answers_are_the_ledgers_own_records(typed: AsyncNodeClient, daemon: Daemon) -> None:
    state, lei = daemon.shell.tip.state, daemon.config.lei
    assert (await typed(calls.status())).height == daemon.shell.tip.height
    found = await typed(calls.account(lei))
    assert found.member.record == state.must(t.MEMBERS, t.MEMBERS.key(lei))
    trades = [line.record async for line in typed.pages(calls.trades)]
    assert trades == sorted((r.trade for _, r in state.scan(t.CONTRACTS)), key=lambda x: x.uti)
    one = await typed(calls.trade(trades[0].uti))
    assert one.trade is not None
    assert one.trade.record == trades[0]
    assert (await typed(calls.block())).header.record == daemon.shell.last.block.header  # type: ignore[union-attr]
    assert [x async for x in typed.pages(calls.rounds)]
    assert PAGE_MAX >= 500


async def test_errors_are_those_of_the_node(typed: AsyncNodeClient) -> None:
    with pytest.raises(CodedError) as caught:
        await typed(calls.trade("none"))
    assert caught.value.code == "API_NOT_FOUND"


async def test_exports_hold_what_the_ledger_holds(
    typed: AsyncNodeClient, daemon: Daemon, tmp_path: Path
) -> None:
    lines = [line async for line in typed.pages(calls.trades)]
    rows = [export._flat(line.plain()) for line in lines]
    (tmp_path / "t.csv").write_bytes(export._csv(rows))
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        back = list(csv.DictReader(file))
    state = daemon.shell.tip.state
    notional = sum(r.trade.quantity * r.trade.price for _, r in state.scan(t.CONTRACTS))
    assert sum(int(row["quantity"]) * int(row["price"]) for row in back) == notional
    duckdb = pytest.importorskip("duckdb")
    (tmp_path / "t.parquet").write_bytes(export.parquet(rows))
    query = f"SELECT sum(quantity * price), count(*) FROM '{tmp_path}/t.parquet'"
    assert duckdb.sql(query).fetchall() == [(notional, len(rows))]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1"])
def test_no_text_of_an_exported_file_is_a_formula(text: str) -> None:
    written = export._csv([{"reference": text, "amount": -5}]).decode()
    (row,) = csv.DictReader(written.splitlines())
    assert (row["reference"], row["amount"]) == (f"'{text}", "-5")


async def test_every_break_of_a_book_is_found_and_explained(typed: AsyncNodeClient) -> None:
    ledger = [(line.record, line.extra.state) async for line in typed.pages(calls.trades)]
    lei = ledger[0][0].buyer
    book = [trade for trade, _ in ledger if lei in (trade.buyer, trade.seller)]
    assert reconcile(lei, book, ledger) == []
    wrong: Trade = msgspec.structs.replace(book[0], price=book[0].price + 1, reference="other")
    extra = msgspec.structs.replace(book[1], uti=book[1].uti + "X")  # type: ignore[arg-type]
    breaks = reconcile(lei, [wrong, extra, *book[2:]], ledger)
    found = [(x.uti, x.kind, x.field) for x in breaks]
    assert sorted(found) == sorted([
        (wrong.uti, "field", "price"),
        (extra.uti, "missing_on_ledger", ""),
        (book[1].uti, "missing_in_book", ""),
    ])  # fmt: skip
    ended = [(x, "CLOSED" if x == book[0] else state) for x, state in ledger]
    assert [(x.kind, x.ledger) for x in reconcile(lei, book, ended)] == [("state", "CLOSED")]
    assert all(x.explained for x in breaks)
    json.dumps([msgspec.to_builtins(x) for x in breaks])
