"""Exports and papers: what they say is what the ledger holds."""

import asyncio
import csv
import json
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger import tables as t
from node.cli.main import app
from node.daemon import Daemon
from node.statements.pdf import confirmation_pdf
from tests.api.served import served

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

Run = Callable[..., Awaitable[str]]
UTI = "DCNMEMBER00000000107N0"


@pytest.fixture
def filled(filled_watched: Path) -> Path:
    """A node that shows everything."""
    return filled_watched


@pytest.fixture
async def run(daemon: Daemon) -> Any:
    """A command of the home of a served node: its output."""

    async def go(*arguments: object) -> str:
        words = [*map(str, arguments), "--home", str(daemon.home.path)]
        done = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    async with served(daemon) as at:
        config = daemon.home.config_file
        text = config.read_text().replace("[api]", f"[api]\nport = {at.split(':')[1]}")
        config.write_text(text)
        yield go


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


async def test_every_table_is_exported_in_full_in_both_formats(
    run: Run, daemon: Daemon, tmp_path: Path
) -> None:
    duckdb = pytest.importorskip("duckdb")
    state = daemon.shell.tip.state
    for name, table in sorted(t.BY_NAME.items()):
        count = sum(1 for _ in state.scan(table))
        await run("export", name, "--out", tmp_path / "x.csv")
        assert len(rows(tmp_path / "x.csv")) == count, name
        if name in ("balance", "trade", "member", "round", "netting_set"):
            await run("export", name, "--out", tmp_path / "x.parquet", "--format", "parquet")
            found = duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/x.parquet'").fetchall()
            assert found == [(count,)], name


async def test_balances_trades_and_blocks_add_up(run: Run, daemon: Daemon, tmp_path: Path) -> None:
    state = daemon.shell.tip.state
    await run("export", "balances", "--out", tmp_path / "b.csv")
    held = sum(row.balance for _, row in state.scan(t.BALANCES))
    assert sum(int(row["balance"]) for row in rows(tmp_path / "b.csv")) == held
    await run("export", "blocks", "--out", tmp_path / "blocks.csv")
    blocks = rows(tmp_path / "blocks.csv")
    assert [int(row["height"]) for row in blocks] == [*range(1, daemon.shell.tip.height + 1)]
    assert blocks[-1]["id"] == daemon.shell.tip.block_id.hex()
    await run("export", "events", "--out", tmp_path / "e.csv")
    registered = [x for x in rows(tmp_path / "e.csv") if x["type"] == "TradeRegistered"]
    assert len(registered) == sum(1 for _ in state.scan(t.CONTRACTS))


async def test_what_is_no_table_is_named(daemon: Daemon, run: Run, tmp_path: Path) -> None:
    words = ["export", "nothing", "--out", str(tmp_path / "x"), "--home", str(daemon.home.path)]
    done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert getattr(done.exception, "code", "") == "API_NOT_FOUND"
    assert not (tmp_path / "x").exists()


def words_of(pdf: bytes) -> str:
    """The text operators of a PDF's pages, joined."""
    found = []
    for part in pdf.split(b"stream\n")[1:]:
        try:
            found.append(zlib.decompress(part.split(b"\nendstream")[0]).decode("latin-1"))
        except zlib.error:
            continue
    return "".join(found)


async def test_a_confirmation_as_json_and_on_paper(
    run: Run, daemon: Daemon, tmp_path: Path
) -> None:
    said = await run(
        "confirm", UTI, "--out", tmp_path / "c.json", "--pdf", tmp_path / "c.pdf", "--json"
    )
    content = json.loads(said)
    assert content == json.loads((tmp_path / "c.json").read_text())
    row = daemon.shell.tip.state.must(t.CONTRACTS, t.CONTRACTS.key(UTI))
    assert content["trade"]["quantity"] == row.trade.quantity
    assert (content["state"], content["height"]) == (row.state.name, row.height)
    paper = (tmp_path / "c.pdf").read_bytes()
    assert paper.startswith(b"%PDF-")
    text = words_of(paper)
    for wanted in (UTI, row.trade.seller, row.trade.instrument, str(row.trade.price)):
        assert wanted in text, wanted
    await run("confirm", UTI, "--pdf", tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == paper
    assert UTI in await run("confirm", UTI)


async def test_a_statement_on_paper(run: Run, daemon: Daemon, tmp_path: Path) -> None:
    lei = daemon.config.lei
    said = await run("statement", "make", lei, 20080912, "--pdf", tmp_path / "s.pdf", "--json")
    content = json.loads(said)
    text = words_of((tmp_path / "s.pdf").read_bytes())
    assert content["hash"] in text
    for account in content["statement"]["accounts"]:
        assert f"{account['closing']:,}" in text
    for movement in content["statement"]["movements"]:
        assert f"{movement['amount']:,}" in text


def test_names_that_no_font_has_do_not_stop_the_paper(daemon: Daemon) -> None:
    import msgspec

    from node.statements.confirm import confirmed

    found = confirmed("c", daemon.shell.tip.state, 1, UTI)
    assert found is not None
    odd = msgspec.structs.replace(found.trade, reference="净额 \N{GRINNING FACE}")
    assert confirmation_pdf(msgspec.structs.replace(found, trade=odd)).startswith(b"%PDF-")
