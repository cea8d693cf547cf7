"""One replay on the real ledger: marks, margin, settlement, excess margin back, a default.

A step is a cycle: at the close of a date, or at each hour of the synthetic path. `HELD_OPEN` is a
feed that is marked at the close only, so that hourly marks do not close the date.
"""

import copy
import random
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from typing import Any, Final

import msgspec

from ledger import cash, im, requirement
from ledger import objects as o
from ledger import tables as t
from ledger.actions import (
    Action,
    ContributeFund,
    FeedMark,
    Mint,
    PostCapital,
    RegisterCsa,
    ReturnExcessIm,
    SubmitOracle,
    TradeBatch,
    Transfer,
)
from ledger.apply import Applied
from ledger.events import ClaimCovered, ClosedOut, DefaultDeclared, Event, TrancheBears
from ledger.genesis import genesis_state
from ledger.invariants import check_full
from ledger.receipts import OK
from ledger.state import Draft
from node.compose import InstrumentEntry
from node.forms import Names, build
from node.rehearsal.founding import (
    ISSUER,
    ORACLES,
    FeedPart,
    MemberPart,
    NetworkPart,
    found,
    names_of,
)
from node.rehearsal.run import Rehearsal
from node.replay.funding import Flows, netted
from node.replay.market import SCALE, Book, Closes, bridge, draw_book
from wire.ids import AssetCode, Date, FeedCode, InstrumentCode, Lei, Party, house

USD: Final = AssetCode("USD")
HELD_OPEN: Final = "CLOSE"
STEP_BLOCKS: Final = 6
"""Blocks of a cycle: freeze, certificate two blocks later, settlement one after, grace."""

CASH: Final = 10**12
"""Minted to each member, in cents: enough never to be short."""

CONTRIBUTION: Final = 2 * 10**7
CAPITAL: Final = 5 * 10**7
"""Of each member and of the operator to the default fund, in cents."""

RESOLVING_DATES_MAX: Final = 5
MATURITY_YEARS: Final = 10_000
"""The book outlives the window by a year: dates are yyyymmdd."""


class Losses(msgspec.Struct, frozen=True):
    """One member's part in a default, minor units."""

    claim: int
    covered: int
    borne: dict[str, int]
    """By tranche; `RESIDUAL` is what nobody covered."""


class Default(msgspec.Struct, frozen=True):
    """What the default did."""

    defaulter: Lei
    date: Date
    """On which it stopped paying."""
    declared: int
    """Blocks after its payment was due."""
    closed_out_at: Date | None
    """Whose closes priced its contracts; None: medians of an open date, in between."""
    claims: int
    owed_to_estate: int
    """By counterparties whose close-out amount was in the defaulter's favour."""
    borne: dict[str, int]
    """By tranche; the defaulter's margin included. All of it is `claims`."""
    members: dict[Lei, Losses]
    margin: dict[Lei, int]
    """Initial margin of the defaulter held for each other, when it stopped paying."""


class Outcome(msgspec.Struct, frozen=True):
    """What one cycle length did."""

    flows: Flows
    """Cash of each settlement."""
    peak_im: dict[Lei, int]
    """The most initial margin that each had in custody."""
    called: dict[Date, int]
    """Gross variation margin of the cycles of each date."""
    cycles: int
    blocks: int
    default: Default | None


Progress = Callable[[str], None]


class Market(msgspec.Struct, frozen=True):
    """Closes, book and terms: the same for every cycle length."""

    closes: Closes
    book: Book
    network: NetworkPart
    names: Names
    im: o.ImModel


def make_market(closes: Closes, members: int, trades: int, seed: int, model: o.ImModel) -> Market:
    """A book of `trades` between `members`, traded near the first close."""
    tickers = sorted(closes[0][1])
    names_of_members = [f"M{number:02d}" for number in range(1, members + 1)]
    maturity = closes[-1][0] + MATURITY_YEARS
    network = NetworkPart(
        members=(*names_of_members, MemberPart(name=ISSUER, roles=("ISSUER",), power=0)),
        feeds=tuple(FeedPart(code=code, scale=SCALE) for code in (*_feeds(tickers), HELD_OPEN)),
        instruments=tuple(
            InstrumentEntry(code=f"FWD-{x}", feed=f"EQ-{x}", maturity=maturity, price_scale=SCALE)
            for x in tickers
        ),
        calendar=tuple(date for date, _ in closes),
        rulebook={
            "margin": {"grace_blocks": 1},
            "default": {
                "notice_blocks": 2,
                "porting_window_blocks": 0,
                "close_out_window_blocks": 1,
                "operator": ISSUER,
            },
        },
    )
    names = names_of(network)
    leis = tuple(names.lei(name) for name in names_of_members)
    date, prices = closes[0]
    book = draw_book(random.Random(seed), leis, trades, date, prices)
    return Market(closes, book, network, names, model)


def _feeds(tickers: list[str]) -> list[str]:
    return [f"EQ-{ticker}" for ticker in tickers]


class Run:
    """A book margined through the window, cycle by cycle."""

    def __init__(self, market: Market, *, hourly: bool, seed: int) -> None:
        self._market = market
        self._hourly = hourly
        self._draw = random.Random(f"bridge {seed}")
        rulebook = copy.deepcopy(market.network.rulebook)
        rulebook["margin"]["cycle_blocks"] = STEP_BLOCKS if hourly else 0
        network = msgspec.structs.replace(market.network, rulebook=rulebook)
        state = genesis_state(found(network, market.names))
        self._ledger = Rehearsal(state, market.names, 1_000)
        self._flows: Flows = []
        self._peak_im: dict[Lei, int] = dict.fromkeys(market.book.members, 0)
        self._called: dict[Date, int] = defaultdict(int)
        self._events: list[Event] = []
        self._cycles = 0

    def run(self, default: tuple[Lei, int] | None, progress: Progress) -> Outcome:
        """Through the whole window; `default`: who stops paying on which date of it."""
        self._begin()
        resolved = None
        for number, (date, _) in enumerate(self._market.closes):
            progress(f"{'hourly' if self._hourly else 'daily'} {date}")
            if default is not None and default[1] == number:
                progress(f"default on {date}")
                resolved = self._forked()._resolve(default[0], number)
            self._date(number)
        check_full(self._ledger.state)
        return Outcome(
            flows=self._flows,
            peak_im=self._peak_im,
            called=dict(self._called),
            cycles=self._cycles,
            blocks=self._ledger.height,
            default=resolved,
        )

    def _forked(self) -> "Run":
        """The same, from here on apart: states never change."""
        other = copy.copy(self)
        other._ledger = copy.copy(self._ledger)
        other._draw = copy.deepcopy(self._draw)
        other._flows, other._events = [], []
        other._peak_im, other._called = dict(self._peak_im), defaultdict(int)
        return other

    # ---------------------------------------------------------------- the book
    def _begin(self) -> None:
        """Cash, contributions, terms of every pair, and the book."""
        book, service = self._market.book, self._market.network.service
        bank = self._market.names.lei(ISSUER)
        self._must(*[Mint(USD, lei, CASH, "reserve") for lei in (*book.members, bank)])
        self._must(
            PostCapital(bank, service, CAPITAL),
            *[ContributeFund(lei, service, CONTRIBUTION) for lei in book.members],
        )
        pairs = list(combinations(sorted(map(house, book.members)), 2))
        self._must(*[RegisterCsa(self._terms(*pair)) for pair in pairs])
        batches = [
            tuple(x for x in book.trades if sorted((x.buyer, x.seller)) == [*pair])
            for pair in pairs
        ]
        self._must(*[TradeBatch(trades) for trades in batches if trades])

    def _terms(self, first: Party, second: Party) -> o.Csa:
        model = {"model": self._market.im.name, "currency": USD, "look_back": 20, "horizon": 1}
        opinion = {"jurisdiction": "any", "reference": "replay", "expiry": 20991231}
        fields: dict[str, Any] = {
            "first": first, "second": second, "version": 1, "im": model, "grace_blocks": 1,
            "eligible": [{"asset": USD}], "opinion": opinion,
        }  # fmt: skip
        csa: o.Csa = build(o.Csa, fields, self._market.names, "terms of the replay")
        return csa

    # ---------------------------------------------------------------- a date
    def _date(self, number: int) -> None:
        """The cycles of a date: each marks, calls and settles; then excess margin goes back."""
        closes = self._market.closes
        date, prices = closes[number]
        before = closes[max(0, number - 1)][1]
        paths = {x: bridge(self._draw, before[x], prices[x]) for x in sorted(prices)}
        if self._hourly:
            for hour in range(len(next(iter(paths.values()))) - 1):
                self._cycle(date, {x: path[hour] for x, path in paths.items()}, closing=False)
        self._cycle(date, prices, closing=True)
        self._take_back_excess()

    def _cycle(self, date: Date, prices: dict[str, int], *, closing: bool) -> None:
        while (self._ledger.height + 1) % STEP_BLOCKS:
            self._block()
        marks = [FeedMark(FeedCode(f"EQ-{x}"), price) for x, price in prices.items()]
        if closing:
            marks.append(FeedMark(FeedCode(HELD_OPEN), 1))
        oracles = [self._market.names.lei(name) for name in ORACLES]
        applied = self._must(*[SubmitOracle(who, date, tuple(marks)) for who in oracles])
        self._cycles += 1
        for event in applied.events:
            if type(event).__name__ == "MarginCycle":
                self._called[date] += event.gross  # type: ignore[union-attr]
        for _ in range(STEP_BLOCKS - 1):
            self._block()
        self._note_margin()

    def _take_back_excess(self) -> None:
        """Each member takes back what its requirement no longer needs."""
        draft = Draft(self._ledger.state)
        actions: list[Action] = []
        for source in o.MarkSource:
            for key in draft.indexed(t.CSAS, source):
                terms = draft.must(t.CSAS, key)
                needed = requirement.required(draft, terms)
                for poster, secured, amount in (
                    (terms.first, terms.second, needed.first),
                    (terms.second, terms.first, needed.second),
                ):
                    excess = im.held(draft, terms, poster, secured) - amount
                    if excess > 0:
                        actions.append(ReturnExcessIm(poster, secured, USD, excess))
        if actions:
            self._block(*actions)  # who has an unmet call is refused

    # ---------------------------------------------------------------- the default
    def _resolve(self, defaulter: Lei, number: int) -> Default:
        """The member's cash is gone when the date begins; on with the dates until the losses are
        allocated."""
        account = t.own_account(defaulter, USD)
        free = cash.free(Draft(self._ledger.state), account)
        bank = self._market.names.lei(ISSUER)
        self._must(Transfer(USD, house(defaulter), house(bank), free, "gone"))
        begun, margin = self._ledger.height, self._margin_of(defaulter)
        for later in range(number, min(number + RESOLVING_DATES_MAX, len(self._market.closes))):
            self._date(later)
            if any(isinstance(event, ClaimCovered | TrancheBears) for event in self._events):
                break
        check_full(self._ledger.state)
        return self._default(defaulter, self._market.closes[number][0], begun, margin)

    def _margin_of(self, poster: Lei) -> dict[Lei, int]:
        state = self._ledger.state
        found = {}
        for other in self._market.book.members:
            row = state.get(t.BALANCES, t.im_escrow(poster, other, USD))
            found[other] = 0 if row is None else row.balance
        return found

    def _default(self, defaulter: Lei, date: Date, begun: int, margin: dict[Lei, int]) -> Default:
        claim: dict[Lei, int] = defaultdict(int)
        covered: dict[Lei, int] = defaultdict(int)
        borne: dict[str, int] = defaultdict(int)
        by: dict[Lei, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        owed = 0
        for event in self._events:
            if isinstance(event, ClosedOut):
                owed += max(0, -event.amount)
            if isinstance(event, ClaimCovered):
                claim[Lei(event.creditor)] += event.amount
                covered[Lei(event.creditor)] += event.covered
            if isinstance(event, TrancheBears):
                name = o.Tranche(event.tranche).name
                borne[name] += event.amount
                by[Lei(event.bearer)][name] += event.amount
        declared = self._declared_at - begun
        row = self._ledger.state.must(t.DEFAULT_CASES, t.DEFAULT_CASES.key(1))
        assert sum(borne.values()) == sum(claim.values()) == row.loss, row
        everybody = sorted({*claim, *by})
        return Default(
            defaulter=defaulter,
            date=date,
            declared=declared,
            closed_out_at=row.mark_date,
            claims=row.loss,
            owed_to_estate=owed,
            borne=dict(borne),
            members={lei: Losses(claim[lei], covered[lei], dict(by[lei])) for lei in everybody},
            margin=margin,
        )

    # ---------------------------------------------------------------- blocks
    _declared_at = 0

    def _must(self, *actions: Action) -> Applied:
        applied, receipts = self._ledger.decide(*actions)
        assert all(receipt.code == OK for receipt in receipts), receipts
        return self._noted(applied)

    def _block(self, *actions: Action) -> Applied:
        return self._noted(self._ledger.decide(*actions)[0])

    def _noted(self, applied: Applied) -> Applied:
        moves: dict[tuple[Lei, Lei], int] = defaultdict(int)
        for result in applied.results:
            moves[Lei(result.debtor), Lei(result.creditor)] += result.settled
        if moves:
            self._flows.append(netted(moves))
        for event in applied.events:
            if isinstance(event, DefaultDeclared):
                self._declared_at = self._ledger.height
            if isinstance(event, ClosedOut | ClaimCovered | TrancheBears):
                self._events.append(event)
        return applied

    def _note_margin(self) -> None:
        state = self._ledger.state
        for lei in self._peak_im:
            held = sum(
                state.must(t.BALANCES, key).balance
                for key in state.indexed(t.BALANCES, t.of_member(lei))
                if t.BALANCES.parts(key)[1] == o.AccountKind.IM_ESCROW
            )
            self._peak_im[lei] = max(self._peak_im[lei], held)


def instruments_of(market: Market) -> dict[str, o.Instrument]:
    """The instruments of the replay, by code."""
    genesis = found(market.network, market.names)
    return {InstrumentCode(x.code): x for x in genesis.instruments}
