"""What each mode of `dcn net` makes of the obligations, and what a certificate then proves.

`solve` and `check` both report what `judge` rebuilt from the certificate, never what a solver
said. A certificate's body is that of `netting.certificate`; in the mode gridlock the choice of
payments stands before it, a bit for each.
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np

from netting import compiled
from netting.allot import allot
from netting.certificate import Objective
from netting.check import Cleared, check
from netting.compress import Trades
from netting.compress import prepare as prepare_trades
from netting.errors import CertificateRefused
from netting.graph import (
    Flags,
    Graph,
    Ints,
    ParticipantId,
    SetOff,
    aggregate,
    compact,
    edges_of,
    exact_sum,
    net_positions,
    pay_ins,
    set_off,
)
from netting.gridlock import Queue, bypass, fifo, optimise, relaxation
from netting.liquidity import FREE_ID
from netting.settle import Legs, settle
from netting.solve import LARGE, solve
from node.cli.net.mode import Mode
from node.cli.net.sheets import Debts


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A file of obligations as one netting problem."""

    mode: Mode
    debts: Debts
    cash: Ints | None
    """int64[n]: cash, or tolerances; None: not given."""
    gross: Graph
    rest: SetOff
    """In the modes that do not set off, nothing is cancelled and everything is kept."""
    graph: Graph
    """What is certified."""
    ids: tuple[ParticipantId, ...]
    """The participants of `graph`."""

    @property
    def edge(self) -> Ints:
        """int64[m]: the edge of `gross` that each obligation belongs to."""
        return edges_of(self.gross, self.debts.debtor, self.debts.creditor)

    @property
    def queue(self) -> Queue:
        """The obligations as payments waiting in the order of the file."""
        debts, n = self.debts, len(self.debts.labels)
        cash = np.zeros(n, np.int64) if self.cash is None else self.cash
        return Queue(n, debts.debtor, debts.creditor, debts.amount, cash)

    def digest(self) -> bytes:
        """SHA-256 of everything but the seed that a certificate is about.

        The order of the lines counts in the mode gridlock only. In a round the certificate proves
        what is cancelled, to which cash does nothing.
        """
        by_line = self.mode is Mode.GRIDLOCK
        about = self.debts if by_line else self.gross
        counts = self.cash is not None and self.mode in (Mode.GRIDLOCK, Mode.COMPRESS)
        cash = self.cash if counts else np.zeros(len(self.debts.labels), np.int64)
        hashed = hashlib.sha256(f"dcn/net/{self.mode}/1:{len(self.debts.labels)}:".encode())
        for label in self.debts.labels:
            text = label.encode()
            hashed.update(b"%d:%s" % (len(text), text))
        for column in (about.debtor, about.creditor, about.amount, cash):
            assert column is not None
            hashed.update(b"%d:" % len(column))
            hashed.update(column.astype("<i8").tobytes())
        return hashed.digest()


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a certificate proves, obligation by obligation."""

    objective: Objective
    unique: bool
    set_off: int
    """Cancelled within pairs, both sides counted."""
    cleared: int
    """All that was cancelled without cash."""
    cancelled: Ints
    """int64[m]: of each obligation, without cash."""
    settled: Ints
    """int64[m]: of each obligation, in the settlement."""
    flows: Ints
    """int64[E of the certified graph]."""
    cash_moved: int = 0
    failed: tuple[str, ...] = ()
    liquidity_events: tuple[str, ...] = ()
    more: dict[str, object] = field(default_factory=dict)
    """Figures of one mode only."""


def pose(mode: Mode, debts: Debts, cash: Ints | None) -> Posed:
    """The netting problem; raises `BadObligations` where gross amounts are too large."""
    n = len(debts.labels)
    gross = aggregate(n, debts.debtor, debts.creditor, debts.amount)
    everybody: tuple[ParticipantId, ...] = (*debts.labels, FREE_ID)
    untouched = SetOff(gross, np.zeros(gross.pairs, np.int64), np.arange(gross.pairs))
    match mode:
        case Mode.GRIDLOCK:
            posed = Posed(mode, debts, cash, gross, untouched, gross, everybody)
            graph, ids = relaxation(posed.queue), everybody
            rest = untouched
        case Mode.COMPRESS:
            made = prepare_trades(_trades(debts, cash))
            rest, graph, ids = made.rest, made.graph, everybody
        case _:
            rest = untouched if mode is Mode.GROSS else set_off(gross)
            graph, members = compact(rest.graph)
            ids = tuple(debts.labels[who] for who in members.tolist())
    return Posed(mode, debts, cash, gross, rest, graph, ids)


def certify(posed: Posed, seed: bytes, *, optimised: bool = False) -> bytes:
    """The body of the certificate. `optimised`: gridlock out of order, for more value."""
    if posed.graph.n >= LARGE:
        compiled.load()
    if posed.mode is not Mode.GRIDLOCK:
        return solve(posed.graph, posed.ids, seed)
    queue = posed.queue
    if optimised:
        found = optimise(queue, posed.ids[:-1], seed)
        return _choice_bytes(found.settled) + found.certificate
    return _choice_bytes(fifo(queue)) + solve(posed.graph, posed.ids, seed)


def prove(posed: Posed, seed: bytes, body: bytes) -> Cleared:
    """The flows that `body` determines, checked; raises `CertificateRefused`."""
    return check(posed.graph, posed.ids, seed, body[_choice_size(posed) :])


def judge(posed: Posed, body: bytes, proven: Cleared) -> Judged:
    """What that means for every obligation; raises `CertificateRefused` of a wrong choice."""
    if posed.mode is Mode.GRIDLOCK:
        return _judge_choice(posed, body, proven)
    flows = posed.rest.cancelled.copy()
    flows[posed.rest.kept] += proven.flows[posed.graph.value() == 1]
    cancelled = allot(posed.edge, posed.debts.amount, flows)
    set_off_ = exact_sum(posed.rest.cancelled)
    judged = Judged(
        objective=proven.objective,
        unique=proven.objective is Objective.OPTIMAL,
        set_off=set_off_,
        cleared=set_off_ + proven.total,
        cancelled=cancelled,
        settled=np.zeros(len(cancelled), np.int64),
        flows=proven.flows,
    )
    return _settled(posed, judged) if posed.mode is Mode.ROUND else judged


def _settled(posed: Posed, judged: Judged) -> Judged:
    """A round: what is left is settled on the cash given, or with everybody paying in."""
    debts, n = posed.debts, len(posed.debts.labels)
    left = debts.amount - judged.cancelled
    needed = pay_ins(net_positions(n, debts.debtor, debts.creditor, left))
    cash = needed if posed.cash is None else posed.cash
    asset = np.zeros(len(left), np.int64)
    legs = Legs(n, 1, debts.debtor, debts.creditor, asset, left)
    outcome = settle(legs, cash.reshape(n, 1))
    paid = np.where(outcome.discharged, left, 0)
    return Judged(
        judged.objective,
        judged.unique,
        judged.set_off,
        judged.cleared,
        judged.cancelled,
        paid,
        judged.flows,
        cash_moved=exact_sum(np.maximum(outcome.cash[:, 0], 0)),
        failed=tuple(debts.labels[one.participant] for one in outcome.failed()),
        liquidity_events=tuple(debts.labels[one.participant] for one in outcome.liquidity_events()),
        more={"pay_ins": exact_sum(needed), "settled": exact_sum(paid)},
    )


def _choice_size(posed: Posed) -> int:
    """Bytes before the certificate proper."""
    return (len(posed.debts.amount) + 7) >> 3 if posed.mode is Mode.GRIDLOCK else 0


def _judge_choice(posed: Posed, body: bytes, proven: Cleared) -> Judged:
    """Gridlock: whole payments that nobody's cash fails, and the bound on any such choice."""
    queue, m = posed.queue, len(posed.debts.amount)
    size = _choice_size(posed)
    bits = np.unpackbits(np.frombuffer(body[:size], np.uint8), bitorder="little")
    if len(bits) != 8 * size or bits[m:].any():
        raise CertificateRefused(f"a choice of {m} payments expected")
    settled = bits[:m].astype(np.bool_)
    if (queue.left(settled) < 0).any():
        raise CertificateRefused("the payments chosen leave somebody short")
    in_order = fifo(queue)
    value, bound = queue.value(settled), _bound(posed, proven)
    paid = np.where(settled, posed.debts.amount, 0)
    n = len(posed.debts.labels)
    net = net_positions(n, posed.debts.debtor, posed.debts.creditor, paid)
    moved = exact_sum(np.maximum(net, 0))
    keeps_order = bool((settled == in_order).all())
    return Judged(
        objective=Objective.OPTIMAL if value == bound else Objective.MAXIMAL,
        unique=keeps_order,
        set_off=0,
        cleared=value - moved,
        cancelled=np.zeros(m, np.int64),
        settled=paid,
        flows=proven.flows,
        cash_moved=moved,
        more={
            "order": "fifo" if keeps_order else "optimised",
            "payments_settled": int(settled.sum()),
            "settled": value,
            "settled_fifo": queue.value(in_order),
            "settled_bypass": queue.value(bypass(queue)),
            "bound": bound,
        },
    )


def _bound(posed: Posed, proven: Cleared) -> int:
    """What no choice of payments can exceed."""
    optimal = proven.objective is Objective.OPTIMAL
    return proven.total if optimal else exact_sum(posed.debts.amount)


def _choice_bytes(settled: Flags) -> bytes:
    return np.packbits(settled, bitorder="little").tobytes()


def _trades(debts: Debts, tolerance: Ints | None) -> Trades:
    n = len(debts.labels)
    given = np.zeros(n, np.int64) if tolerance is None else tolerance
    gross = np.zeros(n, np.int64)
    np.add.at(gross, debts.debtor, debts.amount)
    np.add.at(gross, debts.creditor, debts.amount)
    # Nobody's position can move by more than all its trades.
    free = np.minimum(given, gross)
    return Trades(n, debts.debtor, debts.creditor, debts.amount, free)
