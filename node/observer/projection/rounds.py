"""Netting rounds: their figures, the cycles that a certificate proves, and what is left and why."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ledger import objects as o
from ledger import tables as t
from ledger.receipts import RoundResult
from ledger.rounds import RoundCertificate, problem
from ledger.state import State
from netting.cycles import Cycle, decompose
from netting.explain import Explained, Explanation, Extent
from netting.round import Pool, Round, split
from node.observer.projection.writing import Context, as_json, put, upsert
from node.observer.store import Statement

CYCLES_MAX: Final = 2_000
"""Cycles kept of a round and asset, the largest first; all are counted."""

EXPLAINED_MAX: Final = 400
"""Pairs that a round is explained with, bottlenecks and all; of larger ones the figures stay."""

BOTTLENECKS_MAX: Final = 5

ROUND: Final = upsert(
    "rounds", ("number",), "service", "date", "state", "root", "settle_height", "failed",
    "liquidity_events", "height",
    kept=("obligations", "freeze_height", "cleared_height", "rulebook"),
)  # fmt: skip
FIGURES: Final = upsert(
    "round_figures", ("number", "asset"), "gross", "set_off", "cleared", "objective", "remaining",
    "discharged", "cash_moved",
)  # fmt: skip
PAIR: Final = put(
    "round_pairs", "number", "asset", "debtor", "creditor", "owed", "set_off", "cycled", "price",
    "why", "settled", "because_of",
)  # fmt: skip
SETTLED: Final = upsert(
    "round_pairs", ("number", "asset", "debtor", "creditor"), "settled", "because_of",
    kept=("owed", "set_off", "cycled", "price", "why"),
)  # fmt: skip
Slot = tuple[int, str, str, str]
"""Round, asset, debtor, creditor."""

CYCLE: Final = put("cycles", "number", "asset", "place", "amount", "members")


def round_row(
    context: Context, parts: tuple[Any, ...], row: o.NettingRound | None
) -> Iterator[Statement]:
    """A round as the state has it."""
    if row is None:
        return
    yield ROUND, (
        row.number, row.service, row.date, o.RoundState(row.state).name, row.root.hex(),
        row.settle_height, " ".join(row.failed), " ".join(row.liquidity_events), context.height,
        len(row.obligations), row.freeze_height, 0, context.rulebook,
    )  # fmt: skip
    for entry in row.figures:
        yield FIGURES, (
            row.number, entry.asset, entry.gross, entry.set_off, entry.cleared, entry.objective,
            entry.remaining, entry.discharged, entry.cash_moved,
        )  # fmt: skip


def cleared(
    context: Context, certificates: tuple[RoundCertificate, ...], before: State, after: State
) -> Iterator[Statement]:
    """What the certificates of a block prove, pair by pair and cycle by cycle."""
    for entry in certificates:
        row = after.get(t.ROUNDS, t.ROUNDS.key(entry.number))
        if row is None or row.state != o.RoundState.CLEARED:
            continue  # this block computes it again, without a member in default
        posed = problem(before, before.must(t.ROUNDS, t.ROUNDS.key(entry.number)))
        yield "UPDATE rounds SET cleared_height=? WHERE number=?", (context.height, entry.number)
        proofs = split(entry.certificate, len(posed.round.pools))
        for asset, pool, proof in zip(posed.round.assets, posed.round.pools, proofs, strict=True):
            told = Explained(pool.graph, pool.ids, posed.seed, proof)
            yield from _pairs(entry.number, asset, pool, told, posed.round)
            yield from _cycles(entry.number, asset, pool, told)


def _pairs(
    number: int, asset: str, pool: Pool, told: Explained, posed: Round
) -> Iterator[Statement]:
    """Every ordered pair: owed, set off, cancelled in cycles, and why no more. Legs of instructions
    are owed, and never cancelled."""
    names = posed.participants
    linked: dict[tuple[str, str], int] = defaultdict(int)
    for one in posed.obligations:
        if one.instruction is not None and one.asset == asset:
            linked[str(one.debtor), str(one.creditor)] += one.amount
    gross, place = pool.gross, {edge: n for n, edge in enumerate(pool.rest.kept.tolist())}
    explained = pool.graph.pairs <= EXPLAINED_MAX
    for edge in range(gross.pairs):
        kept = place.get(edge)
        why, cycled, price = "", 0, 0
        if kept is not None:
            cycled = int(told.flows[kept])
            if explained:
                told_of = told.edge(kept)
                why, price = as_json(_why(told_of, pool)), told_of.price
        pair = (str(names[gross.debtor[edge]]), str(names[gross.creditor[edge]]))
        owed = int(gross.amount[edge]) + linked.pop(pair, 0)
        yield PAIR, (
            number, asset, *pair, owed, int(pool.rest.cancelled[edge]), cycled, price, why, 0, "",
        )  # fmt: skip

    for pair, owed in sorted(linked.items()):
        yield PAIR, (number, asset, *pair, owed, 0, 0, 0, "", 0, "")


def _why(told: Explanation, pool: Pool) -> dict[str, Any]:
    """What keeps the rest of a debt: see `netting.explain`."""
    graph, ids = pool.graph, pool.ids
    return {
        "cycles": len(told.cycles),
        "within_reach": 0 if told.extent is Extent.ALL else told.within_reach,
        "bottlenecks": [
            {
                "debtor": ids[graph.debtor[one.edge]],
                "creditor": ids[graph.creditor[one.edge]],
                "amount": int(graph.amount[one.edge]),
            }
            for one in told.bottlenecks[:BOTTLENECKS_MAX]
        ],
        "bottleneck_count": len(told.bottlenecks),
    }


def _cycles(number: int, asset: str, pool: Pool, told: Explained) -> Iterator[Statement]:
    found: list[Cycle] = decompose(pool.graph, told.flows)
    query = "UPDATE round_figures SET cycles=? WHERE number=? AND asset=?"
    yield query, (len(found), number, asset)
    largest = sorted(found, key=lambda one: (-one.amount, one.members))[:CYCLES_MAX]
    for place, cycle in enumerate(largest):
        members = " ".join(str(pool.ids[who]) for who in cycle.members)
        yield CYCLE, (number, asset, place, cycle.amount, members)


def settled(results: Iterable[RoundResult]) -> Iterator[Statement]:
    """What net cash discharged of every pair's debts, and whose absence left the rest open."""
    paid: dict[Slot, int] = defaultdict(int)
    because: dict[Slot, dict[str, None]] = defaultdict(dict)
    owed: dict[Slot, list[int]] = defaultdict(lambda: [0, 0])
    for one in results:
        slot: Slot = (one.number, one.asset, one.debtor, one.creditor)
        paid[slot] += one.settled
        owed[slot][0] += one.amount
        owed[slot][1] += one.cancelled
        if one.because_of is not None:
            because[slot][one.because_of] = None
    for slot, amount in paid.items():
        # The pairs have rows, unless the store began with a snapshot after the round was cleared.
        whole, cancelled = owed[slot]
        yield SETTLED, (*slot, amount, " ".join(because[slot]), whole, 0, cancelled, 0, "")
