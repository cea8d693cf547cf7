"""A real store with everything in it, made from a simulated network's decided blocks."""

import asyncio
from pathlib import Path

from ledger.actions import FeedMark, Mint, RegisterTrade, SubmitOracle, Transfer
from ledger.apply import apply_block
from ledger.genesis import genesis_hash
from ledger.objects import Trade, TradeSource
from ledger.receipts import OK
from ledger.transactions import Transaction, signed, unsigned
from node.core.building import fitting
from node.core.chain import Tip
from node.core.effects import CommitBlock
from node.core.snapshot import anchor_of
from node.founding import CURRENCY, Founded, Plan, found
from node.home import Home, Keys
from node.snapshots import Snapshot, outline_of
from node.storage.snapshots import SnapshotStore
from node.storage.store import Store
from node.storage.trades import TradeStore
from simulator.faults import Options
from simulator.network import SimulatedNetwork
from wire import ids
from wire.ids import Date, FeedCode, InstrumentCode, Uti

SHARES = ("AA", "BB")
DATES = (Date(20080912), Date(20080915))
SEED_LINKS = 1 << 10

SNAPSHOT_AT = 10
CHUNK_BYTES = 4_000
"""Small, so that the snapshot of a small state has several chunks."""

CONFIG = """lei = "{lei}"

[network]
listen = "/ip4/127.0.0.1/tcp/7001"
peers = {{}}
"""


def small_network() -> Founded:
    """Four members, three oracles, two shares, two dates."""
    return found(
        Plan(
            chain_id="audited",
            seed=7,
            members=4,
            observers=1,
            time_ms=1_221_177_600_000,
            shares=SHARES,
            calendar=DATES,
            maturity=Date(20081219),
            seed_chain_length=SEED_LINKS,
        )
    )


def market_days(founded: Founded) -> list[list[Transaction]]:
    """What is submitted, step by step: cash, trades, a refusal, then marks date by date."""
    nonces = iter(range(1, 10_000))

    def tx(action: object, *keys: object, nonce: bool = True) -> Transaction:
        made = unsigned(
            founded.genesis.chain_id,
            action,  # type: ignore[arg-type]
            nonce=next(nonces) if nonce else 0,
            valid_until=500,
        )
        return signed(made, *keys)  # type: ignore[arg-type]

    bank, members = founded.issuer, founded.members
    mints = [tx(Mint(CURRENCY, who.lei, 10**9, "reserve"), bank.key("treasury")) for who in members]
    trades = []
    for number in range(12):
        buyer, seller = members[number % 4], members[(number * 3 + 1) % 4]
        if buyer is seller:
            seller = members[(number + 1) % 4]
        terms = Trade(
            uti=Uti(f"{buyer.lei}N{number}"),
            buyer=buyer.lei,
            seller=seller.lei,
            instrument=InstrumentCode(f"FWD-{SHARES[number % 2]}"),
            quantity=100 * (number + 1),
            price=10_000 + number,
            trade_date=DATES[0],
            source=TradeSource.OTC,
            reference="Zürich" if number == 0 else "",
        )
        both = (buyer.key("trade"), seller.key("trade"))
        trades.append(tx(RegisterTrade(terms), *both, nonce=False))
    transfer = Transfer(CURRENCY, members[0].lei, members[1].lei, 6 * 10**8, "most of it")
    treasury = members[0].key("treasury")
    twice = [tx(transfer, treasury), tx(transfer, treasury)]
    days = [
        [
            tx(
                SubmitOracle(
                    oracle.lei,
                    date,
                    tuple(FeedMark(FeedCode(f"EQ-{x}"), 10_500 + 700 * day) for x in SHARES),
                ),
                oracle.key("oracle"),
            )
            for oracle in founded.oracles
        ]
        for day, date in enumerate(DATES)
    ]
    return [mints, trades, days[0], twice, days[1]]


def fill(home: Home, *, last_date_open: bool = False, watched: bool = False) -> int:
    """Make `home` the home of a member whose store holds a small network's chain; its height.

    `watched`: the home of the observer, which shows everything.
    `last_date_open`: its calendar has not ended, so that there may be trades.
    """
    founded = small_network()
    network = SimulatedNetwork(founded, Options(seed=3), SEED_LINKS)
    network.start()
    names = [who.lei for who in founded.members]
    first = network.nodes[names[0]]
    steps = market_days(founded)[: -1 if last_date_open else None]
    for step in steps:
        for tx in step:
            network.submit(names[0], tx)
        height = first.core.tip.height
        assert network.run(lambda h=height: first.core.tip.height >= h + 8)  # type: ignore[misc]
    me = founded.observers[0] if watched else founded.members[0]
    keys = Keys(me.peer, me.consensus, me.trade, me.treasury, me.governance, me.seed_chain)
    text = CONFIG.format(lei=me.lei) + ('\n[api]\nshows = "everything"\n' if watched else "")
    home.write(text, founded.genesis, keys)
    asyncio.run(_store(home, founded, network, [tx for step in steps for tx in step]))
    home.log.write_bytes(first.disk.log)
    return len(first.disk.blocks)


async def _store(
    home: Home, founded: Founded, network: SimulatedNetwork, submitted: list[Transaction]
) -> None:
    tip = Tip.at_genesis(founded.genesis)
    store = await Store.open(home.store, genesis_hash(founded.genesis))
    await store.load_tip(tip)
    await store.keep(submitted)
    book = TradeStore(store.db)
    trades = [t for t in submitted if isinstance(t.action, RegisterTrade)]
    await book.add_to_blotter(t.action.trade for t in trades)  # type: ignore[union-attr]
    await book.begin([(t, t.action.trade.seller) for t in trades])  # type: ignore[union-attr]
    codes = []
    for decided in network.nodes[founded.members[0].lei].disk.blocks:
        applied = apply_block(tip.state, fitting(tip, decided.block))
        tip = tip.extended(decided.block, decided.commit, applied)
        await store.commit_blocks([CommitBlock(decided, applied, tip)])
        codes += [receipt.code for receipt in applied.receipts]
        if tip.height == SNAPSHOT_AT:
            outline, chunks = outline_of(tip.state, CHUNK_BYTES)
            snapshot = Snapshot(anchor_of(tip, decided.block.header), outline)
            await SnapshotStore(store).take(snapshot, chunks, 1)
    assert len(codes) == len(submitted)
    assert [code for code in codes if code != OK] == ["CASH_INSUFFICIENT"]
    assert ids.date(DATES[0])
    await store.close()


def copied(template: Path, path: Path) -> Home:
    """A copy of a home that has been filled."""
    import shutil

    shutil.copytree(template, path)
    return Home(path)
