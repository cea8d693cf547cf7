"""Ledgers whose blocks are kept as the projection takes them, and what a store then has."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from consensus.messages import Certificate, Entry, VoteKind
from ledger import objects as o
from ledger.actions import (
    AmendTrade,
    CancelTrade,
    ConfirmTermination,
    ConsentNovation,
    OpenClientAccount,
    Port,
    ProposeNovation,
    RegisterCsa,
    RequestTermination,
)
from ledger.apply import Applied, Block
from ledger.genesis import genesis_hash
from ledger.waterfall import DCN
from node.blocks import Block as WholeBlock
from node.blocks import (
    DecidedBlock,
    Header,
    block_id,
    commit_hash,
    ledger_block,
    records_root,
    recovery_hash,
)
from node.founding import Identity
from node.observer.projection import Seen, begin
from node.observer.store import Writer
from tests.ledger import defaults
from tests.ledger.world import CALENDAR, CHAIN, World
from wire.codec import Digest, encode
from wire.ids import Date, Party, Uti, member_of
from wire.merkle import root


class Recorded(World):
    """A world that keeps what the projection is fed with."""

    seen: list[Seen]

    def apply(self, *transactions: Any, **more: Any) -> Applied:
        """As `World`, and kept."""
        before = self.state
        applied = super().apply(*transactions, **more)
        if not hasattr(self, "seen"):
            self.seen, self.first = [], before
        self.seen.append(Seen(decided(self.blocks[-1], before.root), applied, before))
        return applied

    def next_block(self, *given: Any, **more: Any) -> Block:
        """As `World`, and as its decided block says it, so that this can be done again."""
        return ledger_block(decided(super().next_block(*given, **more), self.state.root).block)


def decided(block: Block, state_root: Digest) -> DecidedBlock:
    """A ledger's block as consensus would have decided it."""
    transactions = tuple(tx.value for tx in block.transactions)
    header = Header(
        version=1, chain_id=CHAIN, height=block.height, time_ms=block.time_ms,
        last_block_id=bytes(32), last_commit_hash=commit_hash(None),
        transactions_root=root([encode(tx) for tx in transactions]),
        certificates_root=records_root(block.certificates), evidence_root=records_root(()),
        validators_hash=bytes(32), next_validators_hash=bytes(32), rotation_hash=bytes(32),
        recovery_hash=recovery_hash(None), state_root=state_root, receipts_root=bytes(32),
        results_root=bytes(32), seed_link=block.seed_link, proposer=block.proposer,
    )  # fmt: skip
    whole = WholeBlock(header, None, (), block.certificates, transactions, None)
    votes = (Entry(block.proposer, block.time_ms + 40, bytes(64)),)
    commit = Certificate(VoteKind.PRECOMMIT, block.height, 0, block_id(header), votes)
    return DecidedBlock(whole, commit)


def crisis() -> Recorded:
    """Four members trade, margin is called and netted, one stops paying, its book is closed out
    and its loss borne; one more date closes. There is a fund that is sized."""
    fall = o.StressScenario("fall", (o.Shift(defaults.feed("AAA"), -3_000),))
    rise = o.StressScenario("rise", (o.Shift(defaults.feed("AAA"), 2_000),))
    change = defaults.short(porting_window_blocks=0, order=DCN, scenarios=(fall, rise))
    world = Recorded(members=4, maturity=CALENDAR[4], change=change)
    world.turns = 4
    a, b, c, d = world.members
    world.must(*[world.mint(who, 10**5) for who in (*world.members, world.issuer)])
    world.must(
        defaults.fixed_margin(world, a, b, 3_000),
        defaults.capital(world, 5_000),
        *[defaults.contribution(world, who, 2_000) for who in world.members],
    )
    world.must(
        world.trade(a, b, 90, 1_000), world.trade(b, c, 70, 1_000), world.trade(c, a, 80, 1_010),
        world.trade(c, d, 90, 1_000), world.trade(d, a, 20, 990), world.trade(b, a, 15, 1_200),
    )  # fmt: skip
    world.apply()
    world.apply()
    world.close(CALENDAR[0], AAA=1_100)
    world.settle()
    world.codes(world.transfer(d, a, 10**9))  # refused
    world.must(world.transfer(d, a, world.cash(d)))
    world.must(world.trade(a, c, 5, 1_100))
    world.close(CALENDAR[1], AAA=1_400)
    world.settle()
    world.must(defaults.directed(world, d))
    for _ in range(6):
        world.apply()
    world.close(CALENDAR[2], AAA=1_300)
    world.settle()
    for _ in range(6):
        world.apply()
    return world


def store_of(path: Path, world: Recorded) -> Writer:
    """A store that begins with the world's genesis."""
    store = Writer(path, genesis_hash(world.genesis).hex())
    begin(store, world.first)
    return store


def contents(store: Writer) -> dict[str, list[tuple[Any, ...]]]:
    """Every table, its rows in order."""
    return tables(store.db)


def tables(db: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every table of a database, its rows in order."""
    names = db.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
    return {
        name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
        for (name,) in names.fetchall()
    }


def lives(maturity: Date = CALENDAR[4]) -> Recorded:
    """As `crisis`, and before it every change that a contract can go through: amended, cancelled,
    ended in part and whole, novated; a client, a limit, a second share, collateralised terms."""
    fall = o.StressScenario("fall", (o.Shift(defaults.feed("AAA"), -3_000),))
    rise = o.StressScenario("rise", (o.Shift(defaults.feed("BBB"), 2_000),))
    change = defaults.short(porting_window_blocks=0, order=DCN, scenarios=(fall, rise))
    world = Recorded(members=5, shares=("AAA", "BBB"), maturity=maturity, change=change)
    world.turns = 5
    a, b, c, d, e = world.members
    world.must(*[world.mint(who, 10**6) for who in (*world.members, world.issuer)])
    world.must(
        defaults.fixed_margin(world, a, b, 3_000),
        world.sign(RegisterCsa(_collateralised(c, e)), c.key("governance"), e.key("governance")),
        world.sign(OpenClientAccount(a.lei, "C1", bytes(32)), a.key("governance")),
        world.limit(a, c, 900_000),
        defaults.capital(world, 5_000),
        *[defaults.contribution(world, who, 2_000) for who in world.members],
    )
    client = Party(f"{a.lei}:C1")
    of_client = msgspec.structs.replace(world.terms(a, d, 11, 700, "BBB"), buyer=client)
    given = [
        world.terms(a, b, 90, 1_000), world.terms(b, c, 70, 1_001), world.terms(c, a, 83, 1_013),
        world.terms(c, e, 95, 907, "BBB"), world.terms(d, a, 27, 990), world.terms(b, a, 15, 1_203),
        world.terms(c, d, 90, 1_000), of_client,
    ]  # fmt: skip
    by_lei = {who.lei: who for who in world.members}
    world.must(*[
        world.register(x, by_lei[member_of(x.buyer)], by_lei[member_of(x.seller)]) for x in given
    ])  # fmt: skip
    world.apply()
    world.close(CALENDAR[0], AAA=1_107, BBB=801)
    world.settle()
    amended = msgspec.structs.replace(given[1], quantity=64, price=998)
    part = (given[3].uti, 40, 850)
    whole = (given[4].uti, 27, 1_050)
    new = Uti(f"{b.lei}NEW")
    world.must(
        world.sign(AmendTrade(amended), b.key("trade"), c.key("trade")),
        world.sign(
            CancelTrade(given[5].buyer, given[5].seller, given[5].uti),
            b.key("trade"), a.key("trade"),
        ),
        world.sign(RequestTermination(Party(c.lei), *part), c.key("trade")),
        world.sign(ConfirmTermination(Party(e.lei), *part), e.key("trade")),
        world.sign(RequestTermination(Party(d.lei), *whole), d.key("trade")),
        world.sign(ConfirmTermination(Party(a.lei), *whole), a.key("trade")),
        world.sign(
            ProposeNovation(Party(c.lei), Party(b.lei), given[2].uti, new, 75), c.key("trade")
        ),
        world.sign(ConsentNovation(Party(b.lei), given[2].uti, new, 75), b.key("trade")),
        world.sign(ConsentNovation(Party(a.lei), given[2].uti, new, 75), a.key("trade")),
    )  # fmt: skip
    world.must(world.trade(e, d, 33, 803, "BBB"))
    world.must(world.transfer(d, a, world.cash(d)))
    world.close(CALENDAR[1], AAA=1_402, BBB=777)
    world.settle()
    world.must(defaults.directed(world, d))
    world.apply()
    world.apply()
    world.close(CALENDAR[2], AAA=1_299, BBB=790)
    world.settle()
    for _ in range(6):
        world.apply()
    world.must(world.trade(a, e, 12, 1_300))
    world.close(CALENDAR[3], AAA=1_311, BBB=795)
    world.settle()
    world.apply()
    return world


def ported() -> tuple[Recorded, Uti]:
    """A member defaults, and a contract of its client goes to an account elsewhere; a date closes
    before it, and one after."""
    world = Recorded(
        members=4, maturity=CALENDAR[4], change=defaults.short(porting_window_blocks=20)
    )
    world.turns = 4
    a, b, c, _ = world.members
    mine, new = Party(f"{a.lei}:C"), Party(f"{b.lei}:C")
    world.must(*[world.mint(who, 10**6) for who in (*world.members, world.issuer)])
    world.must(*[
        world.sign(OpenClientAccount(who.lei, "C", bytes(32)), who.key("governance"))
        for who in (a, b)
    ])  # fmt: skip
    of_client = msgspec.structs.replace(world.terms(a, c, 9, 1_000), buyer=mine)
    world.must(world.register(of_client, a, c), world.trade(a, c, 5, 1_000))
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    defaults.declare(world, a)
    world.must(world.sign(Port(1, mine, new), b.key("trade")))
    world.close(CALENDAR[1], AAA=1_000)
    world.settle()
    return world, of_client.uti


def _collateralised(one: Identity, other: Identity) -> o.Csa:
    terms = defaults.fixed_terms(one, other, 1_500)
    return msgspec.structs.replace(terms, mode=o.CsaMode.COLLATERALISED)
