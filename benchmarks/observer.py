# ruff: noqa: E402
"""The observer's page: how fast it is with a full store, and what it costs the network.

First part: a read store with 100,000 trades, made through the projection's own feed from real
records; each view and search over HTTP, and the first view in Chromium where there is one. Second
part: a real network of members and an observer under a steady load of trades; finality at the
members without anybody at the page, and with 20 viewers of the observer's, in turns.

    python benchmarks/observer.py [--trades 100000] [--viewers 20] [--seconds 20] [--json OUT]
"""

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Run as a script, Python looks for modules beside it first, and there `netting.py` is a benchmark.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from consensus.messages import Certificate, Entry, VoteKind
from ledger import objects as o
from ledger import tables as t
from ledger import trades as registry
from ledger.actions import RegisterTrade
from ledger.apply import Applied
from ledger.events import DateClosed, Event
from ledger.genesis import genesis_hash, genesis_state
from ledger.receipts import OK, Receipt
from ledger.state import Draft, State
from ledger.transactions import tx_id, unsigned
from node.blocks import Block, DecidedBlock, Header, block_id
from node.blotter import fields_of
from node.cli.testnet.drive import Drive
from node.cli.testnet.layout import Pace, Place, lay_out
from node.cli.testnet.plan import Replay, make_replay
from node.cli.testnet.ports import free_ports
from node.cli.testnet.processes import Processes
from node.home import Home
from node.observer.projection import Seen, begin, project
from node.observer.store import Writer
from node.samples import percentile
from wire.ids import Date, InstrumentCode, Uti

A_BLOCK = 1_000
"""Trades of a block of the full store."""

EMPTY = bytes(32)


# ---------------------------------------------------------------- a full store
def full_store(path: Path, trades: int, members: int = 20) -> dict[str, Any]:
    """A store with so many live contracts of so many members, and two closed dates."""
    replay = make_replay(members=members, observers=1, days=2, trades=2, seed=11)
    state = genesis_state(replay.founded.genesis)
    begin_s = time.perf_counter()
    store = Writer(path, genesis_hash(replay.founded.genesis).hex())
    begin(store, state)
    projected_s = 0.0
    for seen in _blocks(replay, state, trades):
        started = time.perf_counter()
        project(store, [seen])
        projected_s += time.perf_counter() - started
    store.close()
    return {
        "trades": trades,
        "made_s": round(time.perf_counter() - begin_s, 1),
        "projected_s": round(projected_s, 1),
        "microseconds_a_trade": round(1e6 * projected_s / trades),
        "bytes_a_trade": round(path.stat().st_size / trades),
    }


def _blocks(replay: Replay, state: State, count: int) -> Iterator[Seen]:
    draw = random.Random(3)
    founded, day = replay.founded, replay.days[0]
    tickers = list(day.prices)
    proposer = founded.members[0].key("consensus").public
    for start in range(0, count, A_BLOCK):
        actions = []
        for number in range(start, min(count, start + A_BLOCK)):
            buyer, seller = draw.sample(founded.members, 2)
            ticker = draw.choice(tickers)
            actions.append(
                o.Trade(
                    Uti(f"{buyer.lei}B{number:08d}"),
                    buyer.lei,
                    seller.lei,
                    InstrumentCode(f"FWD-{ticker}"),
                    draw.randrange(1, 500),
                    day.prices[ticker] + draw.randrange(-500, 500),
                    day.date,
                    o.TradeSource.OTC,
                    "",
                )
            )
        seen = _block(replay, state, proposer, actions, None)
        yield seen
        state = seen.applied.state
    for closing in replay.days:
        seen = _block(replay, state, proposer, [], closing.date)
        yield seen
        state = seen.applied.state


def _block(
    replay: Replay, state: State, proposer: bytes, trades: list[o.Trade], closes: Date | None
) -> Seen:
    """A block that registers trades by the ledger's own rule, or closes a date at its prices."""
    draft = Draft(state)
    network = state.must(t.NETWORK, t.network_key())
    height = network.height + 1
    time_ms = network.time_ms + 400
    draft.put(
        t.NETWORK, t.network_key(), msgspec.structs.replace(network, height=height, time_ms=time_ms)
    )
    events: list[Event] = []
    transactions = []
    for trade in trades:
        events += registry.register(draft, trade, height)
        chain = replay.founded.genesis.chain_id
        transactions.append(unsigned(chain, RegisterTrade(trade), nonce=0, valid_until=height + 9))
    if closes is not None:
        prices = next(day.prices for day in replay.days if day.date == closes)
        for ticker, price in prices.items():
            feed = f"EQ-{ticker}"
            draft.put(t.MARKS, t.MARKS.key(feed, closes), o.Mark(price, 3, None))
        events.append(DateClosed(closes))
    after, changes = state.folded(draft)
    receipts = tuple(Receipt(tx_id(tx), OK, "") for tx in transactions)
    applied = Applied(after, changes, receipts, (), tuple(events))
    header = Header(
        1, replay.founded.genesis.chain_id, height, time_ms, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY,
        EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, proposer,
    )  # fmt: skip
    block = Block(header, None, (), (), tuple(transactions), None)
    vote = Entry(proposer, time_ms + 300, bytes(64))
    commit = Certificate(VoteKind.PRECOMMIT, height, 0, block_id(header), (vote,))
    return Seen(DecidedBlock(block, commit), applied, state)


# ---------------------------------------------------------------- its page
def serve(path: Path, port: int) -> None:
    """Serve the page of a store; a process of its own."""
    import uvicorn
    from litestar import Litestar

    from node.observer.app import files_router, page_router, view_routes
    from node.observer.stored import StoredSight, as_anybody, no_rehearsal
    from node.observer.views.network import home_route

    sight = StoredSight(path)
    handlers = [home_route(sight), *view_routes(sight, no_rehearsal)]
    app = Litestar([page_router(as_anybody, handlers), files_router()])
    app.state["sight"] = sight
    uvicorn.run(app, port=port, log_level="error")


def views_of(base: str, path: Path) -> list[dict[str, Any]]:
    """How long each view and search takes, milliseconds over HTTP."""
    store = Writer(path, _chain(path))
    uti, block, tx, lei = (
        store.db.execute(query).fetchone()[0]
        for query in (
            "SELECT uti FROM trades ORDER BY uti LIMIT 1 OFFSET 50",
            "SELECT id FROM blocks WHERE height=1",
            "SELECT id FROM transactions WHERE height=1 LIMIT 1",
            "SELECT lei FROM members WHERE trades_here LIMIT 1",
        )
    )
    store.close()
    asked = {
        "first view": "/", "exposures": "/exposures", "members": "/members",
        "one member": f"/members/{lei}", "trades": "/trades", "its trades": f"/trades?member={lei}",
        "block of 1,000": "/blocks/1", "calls": "/calls?which=all", "fund": "/fund",
        "search UTI": f"/search?q={uti}", "search LEI": f"/search?q={lei[:14]}",
        "search block": f"/search?q={block[:8]}", "search transaction": f"/search?q={tx[:8]}",
        "search name": "/search?q=Member%201", "search nothing": "/search?q=ffffffffffff",
        "trade report": "/reports/trades", "its trade report": f"/reports/trades?member={lei}",
        "disclosure": "/reports/pqd", "daily summary": "/reports/daily",
        "alerts": "/alerts?which=all",
    }  # fmt: skip
    rows = []
    with httpx.Client(base_url=base, timeout=60) as client:
        for name, where in asked.items():
            taken = []
            for _ in range(15):
                begun = time.perf_counter()
                answer = client.get(where)
                taken.append(round(1_000 * (time.perf_counter() - begun)))
                assert answer.is_success, (where, answer.text[:300])
            rows.append(
                {
                    "view": name,
                    "first_ms": taken[0],
                    "p50_ms": percentile(taken, 50),
                    "p95_ms": percentile(taken, 95),
                    "kilobytes": round(len(answer.content) / 1_000),
                }
            )
    return rows


def _chain(path: Path) -> str:
    import sqlite3

    with sqlite3.connect(path) as db:
        return str(db.execute("SELECT value FROM meta WHERE key='chain'").fetchone()[0])


def in_chromium(base: str) -> int | None:
    """Milliseconds until the first view is drawn whole, charts too; None without a browser."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if chromium is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        taken = []
        for _ in range(3):
            page = browser.new_context().new_page()
            begun = time.perf_counter()
            page.goto(base + "/")
            page.wait_for_selector("figure[data-drawn=yes]")
            taken.append(round(1_000 * (time.perf_counter() - begun)))
            page.close()
        browser.close()
    return sorted(taken)[1]


# ---------------------------------------------------------------- what it costs the network
class Viewers:
    """People at the observer's page: each follows the stream and fetches views, as page.js."""

    def __init__(self, place: Place, count: int) -> None:
        self._place = place
        self._count = count
        self._token = Home(Path(place.home)).token()
        self._tasks: list[asyncio.Task[None]] = []
        self.taken_ms: list[int] = []

    async def begin(self) -> None:
        """All sit down."""
        self._tasks = [asyncio.create_task(self._one(number)) for number in range(self._count)]

    async def end(self) -> None:
        """All leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(self, number: int) -> None:
        views = ("/", "/members", "/trades", "/exposures", "/calls?which=all", "/rounds", "/blocks")
        headers = {"Authorization": f"Bearer {self._token}"}
        base = self._place.url()
        last = 0.0
        async with (
            httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client,
            client.stream("GET", "/v1/observer/stream") as stream,
        ):
            async for line in stream.aiter_lines():
                if line.startswith("data:") and time.monotonic() - last >= 1:  # as page.js
                    last = time.monotonic()
                    answer = await client.get(views[number % len(views)])
                    assert answer.is_success, answer.text[:300]
                    self.taken_ms.append(round(1_000 * (time.monotonic() - last)))


async def cost(folder: Path, viewers: int, seconds: int, per_s: int) -> dict[str, Any]:
    """Finality at the members, with and without viewers, in turns."""
    turns = 4
    total = per_s * seconds * (turns + 1)
    replay = make_replay(members=6, observers=1, days=1, trades=total, seed=7)
    places = lay_out(folder, replay, Pace())
    observer = next(place for place in places if place.name.startswith("observer"))
    processes = Processes(folder, places)
    drive = Drive(replay, places, processes)
    found: dict[bool, list[int]] = {False: [], True: []}
    seen_ms: list[int] = []
    try:
        processes.start_all()
        await drive.wait_connected()
        await drive.fund()
        trades = list(replay.days[0].trades)
        size = per_s * seconds
        await _load(drive, trades[:size], per_s)  # warm
        known = await _samples(drive)
        for turn in range(turns):
            watched = turn % 2 == 1
            people = Viewers(observer, viewers)
            if watched:
                await people.begin()
            await _load(drive, trades[(turn + 1) * size : (turn + 2) * size], per_s)
            await people.end()
            seen_ms += people.taken_ms
            now = await _samples(drive)
            fresh = [one[len(old) :] for old, one in zip(known, now, strict=True)]
            found[watched] += [ms for node in fresh for ms in node]
            known = now
        behind = (await drive.members[0].get("/v1/status"))["height"]
        store = await drive.nodes[observer.lei].get("/v1/observer/network")
        behind -= store["as_of_height"]
    finally:
        await drive.close()
        await processes.stop_all()
    alone, with_viewers = percentile(found[False], 50), percentile(found[True], 50)
    assert alone
    assert with_viewers
    return {
        "viewers": viewers,
        "trades_a_second": per_s,
        "samples": len(found[False]) + len(found[True]),
        "finality_p50_ms_without": alone,
        "finality_p50_ms_with": with_viewers,
        "ratio_p50": round(with_viewers / alone, 2),
        "finality_p95_ms_without": percentile(found[False], 95),
        "finality_p95_ms_with": percentile(found[True], 95),
        "views_fetched": len(seen_ms),
        "view_p50_ms": percentile(seen_ms, 50),
        "view_p95_ms": percentile(seen_ms, 95),
        "blocks_behind_at_the_end": max(0, behind),
    }


async def _load(drive: Drive, trades: list[o.Trade], per_s: int) -> None:
    """Submit at a steady pace, and wait until all are final."""
    begun = time.monotonic()
    step = max(1, per_s // 10)
    for start in range(0, len(trades), step):
        await asyncio.sleep(max(0.0, begun + start / per_s - time.monotonic()))
        by_buyer: dict[str, list[dict[str, str]]] = {}
        for trade in trades[start : start + step]:
            by_buyer.setdefault(trade.buyer, []).append(fields_of(trade))
        for lei, chunk in by_buyer.items():
            await drive.post(drive.nodes[lei], "/v1/trades", {"trades": chunk})
    drive.submitted += len(trades)
    await drive.registered()


async def _samples(drive: Drive) -> list[list[int]]:
    return [await node.get("/v1/finality") for node in drive.members]


# ---------------------------------------------------------------- all of it
def show(found: dict[str, Any]) -> None:
    """The tables."""
    console = Console(width=130)
    table = Table(
        title=f"The page of a store with {found['store']['trades']:,} trades", title_justify="left"
    )
    for name in found["views"][0]:
        table.add_column(name.replace("_", " "), justify="right")
    for row in found["views"]:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    for part in ("store", "chromium", "network"):
        console.print(f"{part}: {found[part]}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=int, default=100_000)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=15, help="of load per turn")
    parser.add_argument("--per-s", type=int, default=40, help="trades a second")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(Path(given.serve[0]), int(given.serve[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "observer.sqlite"
        found: dict[str, Any] = {"store": full_store(path, given.trades)}
        (port,) = free_ports(1)
        line = [sys.executable, __file__, "--serve", str(path), str(port)]
        with subprocess.Popen(line) as server:
            try:
                base = f"http://127.0.0.1:{port}"
                _wait(base)
                found["views"] = views_of(base, path)
                found["chromium"] = {"first_view_drawn_ms": in_chromium(base)}
            finally:
                server.terminate()
        net = Path(folder) / "net"
        found["network"] = asyncio.run(cost(net, given.viewers, given.seconds, given.per_s))
    show(found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2))


def _wait(base: str) -> None:
    for _ in range(100):
        try:
            httpx.get(f"{base}/static/page.css")
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the page is not served")


if __name__ == "__main__":
    main()
