"""A founded network without nodes: signs transactions, applies blocks, keeps the state."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache

import msgspec

from ledger import objects as o
from ledger import rounds
from ledger import tables as t
from ledger.actions import (
    Action,
    ConsentNovation,
    FeedMark,
    Mint,
    RegisterTrade,
    ReturnExcessIm,
    SetLimit,
    SubmitOracle,
    SubstituteCollateral,
    TradeBatch,
    Transfer,
)
from ledger.apply import Applied, Block, apply_block, check_transaction
from ledger.events import ImMoved
from ledger.genesis import Genesis, genesis_state
from ledger.invariants import check_full
from ledger.receipts import OK
from ledger.state import Draft, State
from ledger.transactions import Transaction, decode_transaction, signed, unsigned, verified
from ledger.validators import Accusation
from node.core.seedchain import SeedChain
from node.founding import Founded, Identity, Plan, found
from wire.codec import Record, encode, sha256
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei, Uti
from wire.signing import SigningKey, Verified

USD = AssetCode("USD")
CHAIN = "test-1"
START_MS = 1_700_000_000_000
CALENDAR = tuple(Date(20240102 + i) for i in range(5))
CHAIN_LENGTH = 256
DERIVED = bytes(32)
"""Digest of what the header of every block had to say."""


def plan(members: int = 3, shares: tuple[str, ...] = ("AAA",), maturity: int = 20240104) -> Plan:
    """A small network with two blocks of funding window."""
    return Plan(
        chain_id=CHAIN,
        seed=7,
        members=members,
        observers=1,
        attestors=3,
        time_ms=START_MS,
        shares=shares,
        calendar=CALENDAR,
        maturity=Date(maturity),
        seed_chain_length=CHAIN_LENGTH,
    )


@cache
def _founded(members: int, shares: tuple[str, ...], maturity: int) -> Founded:
    return found(plan(members, shares, maturity))


class World:
    """A state and the secrets of everybody in it; each block is checked in full."""

    def __init__(
        self,
        members: int = 3,
        shares: tuple[str, ...] = ("AAA",),
        maturity: int = 20240104,
        change: Callable[[Genesis], Genesis] = lambda genesis: genesis,
    ) -> None:
        self.founded = _founded(members, shares, maturity)
        self.genesis = change(self.founded.genesis)
        self.state = genesis_state(self.genesis)
        self.members = self.founded.members
        self.oracles = self.founded.oracles
        self.issuer = self.founded.issuer
        self.attestors = self.founded.attestors
        self.observer = self.founded.observers[0]
        self.blocks: list[Block] = []
        self._numbers = itertools.count(1)
        self._chains = {
            who.key("consensus").public: SeedChain(who.seed_chain, CHAIN_LENGTH)
            for who in self.members
        }
        self.turns = 1
        """How many members take turns in proposing."""

    # ---------------------------------------------------------------- reading
    @property
    def network(self) -> o.Network:
        """The one row of counters."""
        return self.state.must(t.NETWORK, t.network_key())

    @property
    def height(self) -> int:
        """Of the last block."""
        return self.network.height

    def cash(self, who: Identity) -> int:
        """A member's own balance."""
        row = self.state.get(t.BALANCES, t.own_account(who.lei, USD))
        return 0 if row is None else row.balance

    def position(self, one: Identity, other: Identity) -> o.Settled:
        """The figures of a pair's netting set."""
        row = self.state.must(t.NETTING_SETS, t.netting_set_key(one.lei, other.lei))
        (only,) = row.positions
        return only

    def obligations(self) -> dict[tuple[Lei, Lei], int]:
        """(debtor, creditor) -> amount of all that is open."""
        found_: dict[tuple[Lei, Lei], int] = {}
        for _, row in self.state.scan(t.OBLIGATIONS):
            slot = (row.debtor, row.creditor)
            found_[slot] = found_.get(slot, 0) + row.amount
        return found_

    def put(self, rows: dict[bytes, Record]) -> None:
        """Rows as no transaction made them: the state goes on from there."""
        draft = Draft(self.state)
        for key, row in rows.items():
            draft.take(key, row)
        self.state = self.state.folded(draft)[0]

    # ---------------------------------------------------------------- signing
    def sign(
        self, action: Action, *keys: SigningKey, nonce: int | None = None, valid_until: int = 0
    ) -> Transaction:
        """`action` signed by `keys`, with a fresh nonce (trades: 0), valid for 100 blocks."""
        if nonce is None:
            trade = isinstance(action, RegisterTrade | TradeBatch)
            nonce = 0 if trade else next(self._numbers)
        until = valid_until or self.height + 100
        return signed(unsigned(CHAIN, action, nonce=nonce, valid_until=until), *keys)

    def mint(self, to: Identity, amount: int) -> Transaction:
        """The issuer mints."""
        return self.sign(Mint(USD, to.lei, amount, "reserve"), self.issuer.key("treasury"))

    def transfer(self, sender: Identity, to: Identity, amount: int) -> Transaction:
        """A member pays another."""
        return self.sign(Transfer(USD, sender.lei, to.lei, amount, ""), sender.key("treasury"))

    def limit(self, who: Identity, other: Identity, notional_max: int) -> Transaction:
        """A member bounds what it accepts with another."""
        return self.sign(SetLimit(who.lei, other.lei, USD, notional_max), who.key("governance"))

    def terms(
        self, buyer: Identity, seller: Identity, quantity: int, price: int, share: str = "AAA"
    ) -> o.Trade:
        """A trade with a UTI of its own."""
        return o.Trade(
            uti=Uti(f"{buyer.lei}T{next(self._numbers)}"),
            buyer=buyer.lei,
            seller=seller.lei,
            instrument=InstrumentCode(f"FWD-{share}"),
            quantity=quantity,
            price=price,
            trade_date=CALENDAR[0],
            source=o.TradeSource.OTC,
            reference="",
        )

    def trade(
        self, buyer: Identity, seller: Identity, quantity: int, price: int, share: str = "AAA"
    ) -> Transaction:
        """A trade signed by both."""
        return self.register(self.terms(buyer, seller, quantity, price, share), buyer, seller)

    def register(self, terms: o.Trade, *signers: Identity) -> Transaction:
        """A trade of these terms, signed for its parties."""
        return self.sign(RegisterTrade(terms), *(who.key("trade") for who in signers))

    def marks(self, oracle: Identity, date: int, /, **values: int) -> Transaction:
        """An oracle's marks, by ticker."""
        given = tuple(FeedMark(FeedCode(f"EQ-{k}"), v) for k, v in values.items())
        return self.sign(SubmitOracle(oracle.lei, Date(date), given), oracle.key("oracle"))

    def all_marks(self, date: int, /, **values: int) -> list[Transaction]:
        """The same marks from every oracle."""
        return [self.marks(oracle, date, **values) for oracle in self.oracles]

    # ---------------------------------------------------------------- blocks
    def next_block(
        self,
        transactions: Iterable[Transaction] = (),
        certificates: tuple[rounds.RoundCertificate, ...] | None = None,
        accusations: tuple[Accusation, ...] = (),
    ) -> Block:
        """The next block by the member whose turn it is, with the certificates that are due."""
        proposer = self.members[self.height % self.turns].key("consensus").public
        revealed = self.state.must(t.SEEDS, t.SEEDS.key(proposer)).link
        height = self.height + 1
        if certificates is None:
            due = rounds.due_for_clearing(self.state, height)
            certificates = tuple(rounds.problem(self.state, row).solve() for row in due)
        return Block(
            height,
            START_MS + height * 1_000,
            proposer,
            self._chains[proposer].next_link(revealed),
            tuple(verified(decode_transaction(encode(tx))) for tx in transactions),
            certificates,
            accusations,
            o.RecentBlock(sha256(b"block %d" % height), DERIVED, START_MS + height * 1_000, 0),
            (),
        )

    def apply(
        self,
        *transactions: Transaction,
        certificates: tuple[rounds.RoundCertificate, ...] | None = None,
        accusations: tuple[Accusation, ...] = (),
    ) -> Applied:
        """Apply a block; the state before must be untouched, all invariants must hold after."""
        block = self.next_block(transactions, certificates, accusations)
        before, rows = self.state.root, len(self.state)
        applied = apply_block(self.state, block)
        assert (self.state.root, len(self.state)) == (before, rows)
        assert State.load((k, encode(v)) for k, v in self.state.rows()).root == before
        check_full(applied.state)
        check_custody(self.state, applied, block)
        self.blocks.append(block)
        self.state = applied.state
        return applied

    def codes(self, *transactions: Transaction) -> list[str]:
        """Apply a block; the outcome of each transaction."""
        return [receipt.code for receipt in self.apply(*transactions).receipts]

    def must(self, *transactions: Transaction) -> Applied:
        """Apply a block in which every transaction succeeds."""
        applied = self.apply(*transactions)
        assert [x.code for x in applied.receipts] == ["OK"] * len(transactions), applied.receipts
        return applied

    def check(self, tx: Transaction) -> None:
        """What a node answers to whoever submits `tx`: nothing, or its rejection is raised."""
        check_transaction(self.state, tx, self.height + 1)

    def unchecked(self, *transactions: Transaction) -> Block:
        """The next block, whose transactions nobody has verified."""
        block = self.next_block()
        return msgspec.structs.replace(
            block, transactions=tuple(Verified(tx) for tx in transactions)
        )

    def close(self, date: int, /, **values: int) -> Applied:
        """Close a business date at these marks."""
        return self.must(*self.all_marks(date, **values))

    def settle(self) -> list[Applied]:
        """Empty blocks until no round is open."""
        applied = []
        while rounds.pending(self.state):
            applied.append(self.apply())
        return applied


ROUTES = {
    "RETURN": ReturnExcessIm,
    "SUBSTITUTION": SubstituteCollateral,
    "NOVATION": ConsentNovation,
}
"""What leaves custody by these routes has such a transaction, of its poster, in the block."""


def check_custody(before: State, applied: Applied, block: Block) -> None:
    """Invariant 4: what is in custody moves as the events say, and by its routes only."""
    moved: dict[tuple[str, str, str], int] = defaultdict(int)
    fine = [
        tx.value.action
        for tx, receipt in zip(block.transactions, applied.receipts, strict=True)
        if receipt.code == OK
    ]
    for event in applied.events:
        if isinstance(event, ImMoved):
            moved[event.poster, event.secured, event.asset] += event.amount
            if event.route == "RELEASE":
                pair = t.netting_set_key(event.poster, event.secured)
                row = applied.state.must(t.NETTING_SETS, pair)
                assert not any(entry.live for entry in row.positions), row
            elif event.amount < 0 and event.route != "CLOSE_OUT":
                assert any(isinstance(x, ROUTES[event.route]) for x in fine), event
    if applied.state.scan(t.DEFAULT_CASES):
        return  # a close-out gives what is left of it to the estate
    for key, row in {
        **dict(before.scan(t.BALANCES)),
        **dict(applied.state.scan(t.BALANCES)),
    }.items():
        _, kind, reference, asset = t.BALANCES.parts(key)
        if kind != o.AccountKind.IM_ESCROW:
            continue
        old, new = (state.get(t.BALANCES, key) for state in (before, applied.state))
        change = (0 if new is None else new.balance) - (0 if old is None else old.balance)
        assert change == moved[(*reference.split(">"), asset)], (reference, asset, row)


def with_rulebook(**changes: int) -> Callable[[Genesis], Genesis]:
    """A change of genesis: other rulebook parameters."""

    def change(genesis: Genesis) -> Genesis:
        rulebook = msgspec.structs.replace(genesis.rulebook, **changes)
        return msgspec.structs.replace(genesis, rulebook=rulebook)

    return change
