"""What users do in a simulated network: market days of mints, trades and marks.

Each node offers its own accepted and undecided submissions again, as a daemon does.
"""

import random
from functools import partial
from typing import Final

from ledger import objects as o
from ledger import tables as t
from ledger.actions import CastVote, FeedMark, Mint, Propose, RegisterTrade, SubmitOracle
from ledger.state import State
from ledger.transactions import Transaction, TxId, signed, tx_id, unsigned
from node.founding import CURRENCY, Identity
from simulator.elections import Elections
from simulator.network import SimulatedNetwork
from wire.errors import Rejection
from wire.ids import Date, FeedCode, InstrumentCode, Uti, house

DATES: Final = (Date(20080912), Date(20080915), Date(20080916))
SHARES: Final = ("AAPL", "KO")
VALID_HEIGHTS: Final = 5_000
OFFER_AGAIN_MS: Final = 2_000
DAY_MS: Final = 4_000
"""How long after the one day's trades the next day's begin, at the earliest."""


class Work:
    """The users of one network."""

    def __init__(self, network: SimulatedNetwork, seed: int) -> None:
        self._network = network
        self._draw = random.Random(f"work {seed}")
        self._nonce = 0
        self._trades = 0
        self._closing: list[Date] = []
        """Dates whose trading is over, to be marked and closed."""
        self._marked: dict[tuple[str, Date], None] = {}
        self._unanswered: dict[TxId, Transaction] = {}
        """What users have offered, and have neither an answer nor seen decided."""
        self._seen = 0
        self.dates = DATES
        self.elections = Elections(network, self._govern)

    def begin(self) -> None:
        """Fund the members, then trade, day after day."""
        founded = self._network.founded
        for who in founded.members:
            mint = Mint(CURRENCY, who.lei, 10**9, "sim")
            self._submit(mint, founded.issuer, "treasury")
        for number, date in enumerate(self.dates):
            for _ in range(self._draw.randint(1, 6)):
                self._network.at(
                    number * DAY_MS + self._draw.randint(1, DAY_MS), partial(self._trade, date)
                )
            self._network.at((number + 1) * DAY_MS, partial(self._closing.append, date))
        self._network.at(OFFER_AGAIN_MS, self._again)

    def done(self, state: State) -> bool:
        """Whether every date is closed and every round settled in `state`."""
        opened = state.must(t.NETWORK, t.network_key()).business_date
        waiting = state.indexed(t.ROUNDS, o.RoundState.FROZEN)
        waiting += state.indexed(t.ROUNDS, o.RoundState.CLEARED)
        return (opened is None or opened > self.dates[-1]) and not waiting

    # ---------------------------------------------------------------- inside
    def _again(self) -> None:
        """Nodes offer again what is undecided, users what was not answered; oracles mark a date
        that is open and over."""
        for node in self._network.nodes.values():
            pool = node.core.deciding.pool
            for ident, tx in list(node.disk.pending.items()):
                if ident not in pool and node.up:
                    self._offer(node.name, tx)
        self._hear_answers()
        for tx in list(self._unanswered.values()):
            self._offer_somewhere(tx)
        if self._closing:
            self._mark(self._closing[0])
        self._network.at(OFFER_AGAIN_MS, self._again)

    def _mark(self, date: Date) -> None:
        """The oracles mark `date` once the network has opened it; refused marks are sent anew."""
        tips = [node.core.tip for node in self._network.nodes.values() if node.up]
        if not tips:
            return
        state = max(tips, key=lambda tip: tip.height).state
        opened = state.must(t.NETWORK, t.network_key()).business_date
        if opened is None or opened > date:
            self._closing.remove(date)
            return
        for oracle in self._network.founded.oracles:
            marks = tuple(
                FeedMark(FeedCode(f"EQ-{share}"), self._draw.randint(4_000, 6_000))
                for share in SHARES
            )
            if (oracle.lei, date) not in self._marked:
                self._marked[oracle.lei, date] = None
                self._submit(SubmitOracle(oracle.lei, date, marks), oracle, "oracle")

    def _trade(self, date: Date) -> None:
        draw = self._draw
        founded = self._network.founded
        buyer, seller = draw.sample(founded.members, 2)
        self._trades += 1
        trade = o.Trade(
            uti=Uti(f"{buyer.lei}S{self._trades}"),
            buyer=house(buyer.lei),
            seller=house(seller.lei),
            instrument=InstrumentCode(f"FWD-{draw.choice(SHARES)}"),
            quantity=draw.randint(1, 1_000),
            price=draw.randint(4_000, 6_000),
            trade_date=date,
            source=o.TradeSource.OTC,
            reference="",
        )
        tx = unsigned(
            founded.genesis.chain_id,
            RegisterTrade(trade),
            nonce=0,
            valid_until=self._valid_until(),
        )
        self._offer_somewhere(signed(tx, buyer.key("trade"), seller.key("trade")))

    def _govern(self, action: Propose | CastVote, who: Identity) -> None:
        self._submit(action, who, "governance")

    def _submit(
        self, action: Mint | SubmitOracle | Propose | CastVote, who: Identity, purpose: str
    ) -> None:
        self._nonce += 1
        tx = unsigned(
            self._network.founded.genesis.chain_id,
            action,
            nonce=self._nonce,
            valid_until=self._valid_until(),
        )
        self._offer_somewhere(signed(tx, who.key(purpose)))

    def _offer_somewhere(self, tx: Transaction) -> None:
        """A user tries a correct node that is up."""
        self._unanswered[tx_id(tx)] = tx
        nodes = self._network.nodes
        names = [who.lei for who in self._network.founded.members]
        up = [name for name in names if nodes[name].up and not nodes[name].byzantine]
        if up:
            self._offer(self._draw.choice(up), tx)

    def _hear_answers(self) -> None:
        journal = self._network.journal
        for ident in journal.accepted:
            self._unanswered.pop(ident, None)
        for decision in journal.decisions[self._seen :]:
            for tx in decision.decided.block.transactions:
                self._unanswered.pop(tx_id(tx), None)
        self._seen = len(journal.decisions)

    def _offer(self, name: str, tx: Transaction) -> None:
        try:
            self._network.submit(name, tx)
        except Rejection:
            return  # it waits, it is decided, or its time is over: the checkers look

    def _valid_until(self) -> int:
        return max(self._network.heights(), default=0) + VALID_HEIGHTS
