# ruff: noqa: E402
"""How fast a node that is behind catches up, against how fast the network makes blocks.

Four validators, each a process with a store of `--blocks` blocks, make more of them at the default
block interval under a load of transfers; then an observer with an empty store is started, and
its height is watched until it is the network's. All processes share this machine's cores. The
second table says where the time goes: the same blocks in this process, through the same functions
and a real store, step by step.

    python benchmarks/sync.py [--blocks 2000] [--trades 2] [--json OUT]
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Run as a script, Python looks for modules beside it first, and there `netting.py` is a benchmark.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import httpx
from rich.console import Console
from rich.table import Table

from consensus.verification import require_signatures
from ledger.actions import Mint, RegisterTrade, Transfer
from ledger.apply import apply_block
from ledger.genesis import genesis_hash
from ledger.receipts import OK
from ledger.transactions import Transaction, signed, unsigned, verified
from node.blocks import DecidedBlock, decode_decided
from node.cli.testnet.layout import Pace, Place, lay_out
from node.cli.testnet.plan import Replay, make_replay
from node.cli.testnet.processes import Processes
from node.core.building import check_decided, fitting
from node.core.chain import Tip
from node.core.effects import CommitBlock
from node.founding import CURRENCY
from node.home import Home
from node.signer import FileSigner
from node.storage.store import Store
from simulator.chain import Scribe
from wire.codec import encode

SEED_CHAIN = 1 << 20
INTERVAL_MS = 200
"""The default of `consensus.block_interval_ms`."""

BATCH = 64


def load(replay: Replay, trades: int) -> Iterator[list[Transaction]]:
    """Transactions block by block: first cash, then `trades` twice-signed trades each."""
    founded = replay.founded
    chain_id = founded.genesis.chain_id
    mints = [Mint(CURRENCY, who.lei, 10**12, "reserve") for who in founded.members]
    treasury = founded.issuer.key("treasury")
    yield [
        signed(unsigned(chain_id, mint, nonce=n + 1, valid_until=1_000), treasury)
        for n, mint in enumerate(mints)
    ]
    keys = {who.lei: who.key("trade") for who in founded.members}
    pending = list(replay.days[0].trades)
    height = 1
    while pending and trades:
        height += 1
        chosen, pending = pending[:trades], pending[trades:]
        yield [
            signed(
                unsigned(chain_id, RegisterTrade(t), nonce=0, valid_until=height + 500),
                keys[t.buyer],
                keys[t.seller],
            )
            for t in chosen
        ]


async def fill(home: Home, replay: Replay, blocks: list[CommitBlock]) -> None:
    """A store that holds the chain."""
    tip = Tip.at_genesis(replay.founded.genesis)
    store = await Store.open(home.store, genesis_hash(replay.founded.genesis))
    await store.load_tip(tip)
    for start in range(0, len(blocks), BATCH):
        await store.commit_blocks(blocks[start : start + BATCH])
    await store.close()


class Watch:
    """Nodes asked for their status."""

    def __init__(self, places: list[Place], processes: Processes) -> None:
        self._processes = processes
        self._clients = {}
        for place in places:
            headers = {"Authorization": f"Bearer {Home(Path(place.home)).token()}"}
            self._clients[place.name] = httpx.Client(
                base_url=place.url(), headers=headers, timeout=30
            )

    def status(self, place: Place) -> dict[str, Any] | None:
        """A node's status; None while it does not answer. Raises `NodeDied`."""
        self._processes.check()
        try:
            answer = self._clients[place.name].get("/v1/status")
        except httpx.HTTPError:
            return None
        found: dict[str, Any] = answer.json()
        return found if answer.is_success else None

    def until(self, places: list[Place], peers: int) -> None:
        """Wait until all are up and see each other."""
        for place in places:
            while len((self.status(place) or {"peers": []})["peers"]) < peers:
                time.sleep(0.1)

    def post(self, place: Place, tx: Transaction) -> None:
        """Submit a transaction."""
        self._clients[place.name].post(
            "/v1/transactions", json={"tx": encode(tx).hex()}
        ).raise_for_status()


def made_per_s(watch: Watch, places: list[Place], replay: Replay, seconds: int) -> float:
    """Blocks per second that the network makes with always something to decide."""
    founded = replay.founded
    key = founded.members[0].key("treasury")
    begin, number = time.monotonic(), 0
    first = last = (watch.status(places[0]) or {})["height"]
    while time.monotonic() < begin + seconds:
        number += 1
        transfer = Transfer(CURRENCY, founded.members[0].lei, founded.members[1].lei, 1, "")
        tx = unsigned(founded.genesis.chain_id, transfer, nonce=number, valid_until=last + 500)
        watch.post(places[0], signed(tx, key))
        time.sleep(0.05)
        last = (watch.status(places[0]) or {})["height"]
    return (last - first) / (time.monotonic() - begin)


def measure_real(directory: Path, replay: Replay, blocks: list[CommitBlock]) -> dict[str, Any]:
    """The network, and the node that comes late, as processes."""
    places = lay_out(directory, replay, Pace(block_interval_ms=INTERVAL_MS))
    validators, late = places[:4], places[4]
    asyncio.run(fill(Home(Path(validators[0].home)), replay, blocks))
    for place in validators[1:]:
        shutil.copy(Home(Path(validators[0].home)).store, Home(Path(place.home)).store)
    for place in validators:  # the chain was signed with their keys
        home = Home(Path(place.home))
        key = home.keys().signing("consensus")
        signer = FileSigner(home.signer_state, replay.founded.genesis.chain_id, key)
        signer.raise_floor(len(blocks) + 1)
    processes = Processes(directory, places)
    watch = Watch(places, processes)
    try:
        for place in validators:
            processes.start(place.name)
        watch.until(validators, 3)
        made = made_per_s(watch, validators, replay, 8)
        begin_process = time.monotonic()
        processes.start(late.name)
        watch.until([late], 1)
        begin = time.monotonic()
        first = (watch.status(late) or {})["height"]
        target = (watch.status(validators[0]) or {})["height"]
        while (height := (watch.status(late) or {"height": 0})["height"]) < target:
            time.sleep(0.05)
        seconds = time.monotonic() - begin
    finally:
        asyncio.run(processes.stop_all())
    caught = (height - first) / seconds
    return {
        "behind": target,
        "made_per_s": round(made, 1),
        "caught_up_per_s": round(caught, 1),
        "ratio": round(caught / made, 1),
        "seconds": round(seconds, 1),
        "start_to_connected_s": round(begin - begin_process, 1),
    }


def measure_steps(directory: Path, replay: Replay, blocks: list[CommitBlock]) -> dict[str, float]:
    """Milliseconds per block of each step, in this process."""
    raw = [encode(entry.decided) for entry in blocks]
    tip = Tip.at_genesis(replay.founded.genesis)
    chain_id = tip.chain_id
    spent: dict[str, float] = {}

    def timed(name: str, begin: float) -> None:
        spent[name] = (time.perf_counter() - begin) * 1_000 / len(blocks)

    begin = time.perf_counter()
    decoded = [decode_decided(data) for data in raw]
    timed("decode, form, roots of the parts", begin)
    begin = time.perf_counter()
    for decided in decoded:
        _signatures(chain_id, decided)
    timed("signatures (in threads)", begin)
    begin = time.perf_counter()
    entries = []
    for decided in decoded:
        check_decided(tip, decided)
        applied = apply_block(tip.state, fitting(tip, decided.block))
        tip = tip.extended(decided.block, decided.commit, applied)
        entries.append(CommitBlock(decided, applied, tip))
    timed("check against the tip, apply", begin)
    begin = time.perf_counter()
    home = Home(directory / "steps")
    home.data.mkdir(parents=True)
    asyncio.run(fill(home, replay, entries))
    timed(f"store, {BATCH} blocks a transaction", begin)
    return {name: round(ms, 2) for name, ms in spent.items()}


def _signatures(chain_id: str, decided: DecidedBlock) -> None:
    require_signatures(chain_id, decided.commit)
    if decided.block.last_commit is not None:
        require_signatures(chain_id, decided.block.last_commit)
    for tx in decided.block.transactions:
        verified(tx)


def show(found: dict[str, Any]) -> None:
    """The tables."""
    console = Console(width=120)
    table = Table(title="Catching up: real processes, one machine", title_justify="left")
    for name in found["network"]:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_row(*(str(value) for value in found["network"].values()))
    console.print(table)
    steps = Table(title="Where a block's time goes (one process)", title_justify="left")
    steps.add_column("step")
    steps.add_column("ms per block", justify="right")
    for name, ms in found["steps_ms"].items():
        steps.add_row(name, str(ms))
    console.print(steps)
    console.print(f"bytes per block: {found['bytes_per_block']}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=2_000, help="the late node is behind")
    parser.add_argument("--trades", type=int, default=2, help="twice-signed trades in each block")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    count = max(4, arguments.trades * arguments.blocks)
    replay = make_replay(members=4, observers=1, days=1, trades=count, seed=11)
    scribe = Scribe(replay.founded, SEED_CHAIN)
    blocks = list(scribe.write_many(arguments.blocks, load(replay, arguments.trades)))
    codes = {receipt.code for entry in blocks for receipt in entry.applied.receipts}
    assert codes <= {OK}, codes
    with tempfile.TemporaryDirectory() as directory:
        steps = measure_steps(Path(directory), replay, blocks)
        network = measure_real(Path(directory) / "net", replay, blocks)
    size = sum(len(encode(entry.decided)) for entry in blocks)
    found = {
        "network": network,
        "steps_ms": steps,
        "bytes_per_block": round(size / len(blocks)),
    }
    show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
