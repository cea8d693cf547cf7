"""Files into a served node by the command: checked as the ledger would, all or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from node.blotter import COLUMNS
from node.cli.main import app
from node.daemon import Daemon
from tests.api.conftest import opened
from tests.api.served import served

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

ME, OTHER = "DCNMEMBER00000000107", "DCNMEMBER00000000204"
GOOD = {
    "uti": f"{ME}IMP1", "buyer": ME, "seller": OTHER, "instrument": "FWD-AA", "quantity": "1",
    "price": "10", "trade_date": "20080912", "source": "OTC", "reference": "",
}  # fmt: skip

Run = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def daemon(filled_open: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    async with opened(filled_open, tmp_path / "home") as found:
        yield found


@pytest.fixture
async def run(daemon: Daemon, tmp_path: Path) -> Any:
    """`dcn import trades` on rows; exit code and JSON."""

    async def go(*rows: dict[str, str], options: tuple[str, ...] = ()) -> tuple[int, Any]:
        file = tmp_path / "trades.csv"
        lines = [",".join(COLUMNS), *(",".join(row[name] for name in COLUMNS) for row in rows)]
        file.write_text("\n".join(lines) + "\n")
        arguments = ["import", "trades", str(file), "--format", "csv", "--json", *options]
        done = await asyncio.to_thread(
            CliRunner().invoke, app, [*arguments, "--home", str(daemon.home.path)]
        )
        assert done.stdout, done.exception
        return done.exit_code, json.loads(done.stdout)

    async with served(daemon) as at:
        with daemon.home.config_file.open("a") as config:
            config.write(f"\n[api]\nport = {at.split(':')[1]}\n")
        yield go


async def in_book(daemon: Daemon, uti: str) -> bool:
    return uti in await daemon.trades.in_blotter([uti])


async def test_good_lines_are_entered(run: Run, daemon: Daemon) -> None:
    code, said = await run(GOOD)
    assert (code, said["taken"]) == (0, 0)  # a report only
    assert not await in_book(daemon, GOOD["uti"])
    code, said = await run(GOOD, options=("--into", "blotter"))
    assert (code, said["taken"], said["refused"]) == (0, 1, 0)
    assert await in_book(daemon, GOOD["uti"])


async def test_one_bad_line_and_nothing_is_done(run: Run, daemon: Daemon) -> None:
    far = GOOD | {"uti": f"{ME}IMP2", "quantity": str(1 << 50)}
    wrong = GOOD | {"uti": f"{ME}IMP3", "quantity": "none"}
    code, said = await run(GOOD, far, wrong, options=("--into", "blotter"))
    assert (code, said["taken"], said["refused"]) == (4, 0, 2)
    assert not await in_book(daemon, GOOD["uti"])
    report = {row["line"]: row for row in said["report"]}
    assert report[2]["status"] == "good"
    assert report[3]["code"] not in ("", "IMPORT_FIELD")  # the ledger's own
    assert report[4]["code"] == "IMPORT_FIELD"
    assert all(row["remedy"] for row in said["report"] if row["code"])
    code, said = await run(GOOD, far, wrong, options=("--into", "blotter", "--some"))
    assert (code, said["taken"]) == (4, 1)
    assert await in_book(daemon, GOOD["uti"])


async def test_into_affirmation_they_wait_for_the_counterparty(run: Run, daemon: Daemon) -> None:
    code, said = await run(GOOD, options=("--into", "affirmation"))
    assert (code, said["taken"]) == (0, 1)
    waiting = await daemon.trades.by_uti(GOOD["uti"])
    assert waiting is not None
    assert (waiting.status, waiting.counterparty) == ("waiting", OTHER)


async def test_a_file_without_a_good_line(run: Run) -> None:
    code, said = await run(GOOD | {"seller": ME})
    assert (code, said["refused"]) == (4, 1)
    code, said = await run()
    assert (code, said["entries"]) == (0, 0)
