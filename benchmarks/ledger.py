# ruff: noqa: E402
"""The ledger on one core: transactions applied, a margin cycle, the state root, a state reloaded.

Signatures are apart: they are checked in bulk before a block is applied. Prints one table.

    python benchmarks/ledger.py [--transactions 20000] [--contracts 100000] [--rows 1000000]
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Run as a script, Python looks for modules beside it first, and there `netting.py` is a benchmark.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import msgspec
from rich.console import Console
from rich.table import Table

from ledger import margin, rounds
from ledger import objects as o
from ledger import tables as t
from ledger.actions import Action, Mint, RegisterTrade, TradeBatch, Transfer
from ledger.apply import Block, apply_block
from ledger.genesis import genesis_state
from ledger.state import Draft, State
from ledger.transactions import KeySignature, Transaction
from node.core.seedchain import SeedChain
from node.founding import CURRENCY, Founded, Identity, Plan, found
from node.heap import undisturbed
from wire.codec import encode, sha256
from wire.ids import Date, InstrumentCode, Uti
from wire.limits import BATCH_TRADES_MAX
from wire.signing import Verified

LINKS = 1 << 10
DATE = Date(20240102)


class Bench:
    """A founded ledger, blocks applied to it, and the table of figures."""

    def __init__(self, members: int) -> None:
        plan = Plan(
            chain_id="bench", seed=1, members=members, observers=0, time_ms=1_700_000_000_000,
            shares=("AAA",), calendar=(DATE, Date(20240103)), maturity=Date(20241231),
            seed_chain_length=LINKS,
        )  # fmt: skip
        self.founded: Founded = found(plan)
        self.state = genesis_state(self.founded.genesis)
        self.chain = SeedChain(self.founded.members[0].seed_chain, LINKS)
        self.numbers = itertools.count(1)
        self.rows: list[list[str]] = []

    def block(self, transactions: list[Transaction]) -> Block:
        """The next block, its signatures taken for checked."""
        proposer = self.founded.members[0].key("consensus").public
        height = self.state.must(t.NETWORK, t.network_key()).height + 1
        due = rounds.due_for_clearing(self.state, height)
        time_ms = 1_700_000_000_000 + height * 1_000
        return Block(
            height,
            time_ms,
            proposer,
            self.chain.next_link(self.state.must(t.SEEDS, t.SEEDS.key(proposer)).link),
            tuple(Verified(tx) for tx in transactions),
            tuple(rounds.problem(self.state, row).solve() for row in due),
            (),
            o.RecentBlock(sha256(encode(height)), bytes(32), time_ms, 0),
            (),
        )

    def signed(self, action: Action, *signers: tuple[Identity, str]) -> Transaction:
        """`action` with the keys that must sign, and no signatures."""
        keys = sorted(who.key(purpose).public for who, purpose in signers)
        trade = isinstance(action, RegisterTrade | TradeBatch)
        nonce = 0 if trade else next(self.numbers)
        signatures = tuple(KeySignature(key, bytes(64)) for key in keys)
        return Transaction("bench", nonce, 1_000, action, signatures)

    def trade(self, buyer: Identity, seller: Identity) -> o.Trade:
        """A trade of one share with a UTI of its own."""
        number = next(self.numbers)
        return o.Trade(
            Uti(f"{buyer.lei}B{number}"), buyer.lei, seller.lei, InstrumentCode("FWD-AAA"),
            1 + number % 90, 100_000, DATE, o.TradeSource.OTC, "",
        )  # fmt: skip

    def apply(self, transactions: list[Transaction]) -> None:
        """Apply a block in which everything succeeds."""
        applied = apply_block(self.state, self.block(transactions))
        assert {receipt.code for receipt in applied.receipts} <= {"OK"}, applied.receipts[:3]
        self.state = applied.state

    def timed(self, name: str, call: Callable[[], Any], count: int, wanted: str) -> Any:
        """Run `call` three times; keep the best."""
        best, found_ = float("inf"), None
        for _ in range(3):
            begin = time.process_time()
            found_ = call()
            best = min(best, time.process_time() - begin)
        rate = f"{count / best:,.0f}/s" if count > 1 else ""
        self.rows.append([name, f"{best * 1_000:,.1f} ms", rate, wanted])
        return found_


def rates(bench: Bench, count: int) -> None:
    """Transfers and trades, as many as `count` in one block each."""
    members = bench.founded.members
    pairs = [(members[i % 12], members[(i + 1 + i // 12 % 11) % 12]) for i in range(count)]
    issuer = bench.founded.issuer
    bench.apply(
        [
            bench.signed(Mint(CURRENCY, who.lei, 10**15, "reserve"), (issuer, "treasury"))
            for who in members
        ]
    )
    transfers = [
        bench.signed(Transfer(CURRENCY, a.lei, b.lei, 1, ""), (a, "treasury")) for a, b in pairs
    ]
    block = bench.block(transfers)
    name = f"{count:,} transfers in a block"
    bench.timed(name, lambda: apply_block(bench.state, block), count, "20,000/s")
    trades = [
        bench.signed(RegisterTrade(bench.trade(a, b)), (a, "trade"), (b, "trade")) for a, b in pairs
    ]
    block = bench.block(trades)
    name = f"{count:,} trades in a block"
    bench.timed(name, lambda: apply_block(bench.state, block), count, "8,000/s")


def cycle(bench: Bench, contracts: int) -> None:
    """A margin cycle over so many live contracts of twelve members."""
    members = bench.founded.members
    pairs = [(a, b) for a in members for b in members if a.lei != b.lei]
    each = -(-contracts // len(pairs))
    for a, b in pairs:
        for start in range(0, each, BATCH_TRADES_MAX):
            count = min(BATCH_TRADES_MAX, each - start)
            trades = tuple(bench.trade(a, b) for _ in range(count))
            bench.apply([bench.signed(TradeBatch(trades), (a, "trade"), (b, "trade"))])

    def run() -> int:
        draft = Draft(bench.state)
        draft.put(t.MARKS, t.MARKS.key("EQ-AAA", DATE), o.Mark(101_000, 3, None))
        network = draft.must(t.NETWORK, t.network_key())
        closed = msgspec.structs.replace(network, closed_date=DATE)
        draft.put(t.NETWORK, t.network_key(), closed)
        return len(margin.cycle(draft, DATE, network.height + 1))

    live = len(bench.state.indexed(t.CONTRACTS, o.ContractState.LIVE))
    bench.timed(f"margin cycle over {live:,} contracts", run, 1, "2 s")


def tree(bench: Bench, rows: int) -> None:
    """The root after 1,000 changes among so many rows, and that state from its stored rows."""
    stored = [
        (t.NONCES.key(sha256(encode(n)), n), encode(o.Nonce(1_000 + n % 1_000)))
        for n in range(rows)
    ]
    begin = time.process_time()
    with undisturbed():  # as a node loads it
        state = State.load(iter(stored))
    took = time.process_time() - begin
    bench.rows.append([f"reload {rows:,} rows", f"{took:,.1f} s", f"{rows / took:,.0f}/s", ""])

    def change() -> bytes:
        draft = Draft(state)
        for n in range(1_000):
            draft.put(t.NONCES, stored[n * (rows // 1_000)][0], o.Nonce(5))
        return state.folded(draft)[0].root

    bench.timed(f"root after 1,000 changes in {rows:,} rows", change, 1, "100 ms")


def main() -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=20_000)
    parser.add_argument("--contracts", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    chosen = parser.parse_args()
    bench = Bench(12)
    rates(bench, chosen.transactions)
    cycle(bench, chosen.contracts)
    tree(bench, chosen.rows)
    shown = Table(
        title="The ledger, processor seconds of one core, best of three", title_justify="left"
    )
    for column in ("what", "time", "rate", "wanted"):
        shown.add_column(column, justify="left" if column == "what" else "right")
    for row in bench.rows:
        shown.add_row(*row)
    Console().print(shown)


if __name__ == "__main__":
    main()
