# ruff: noqa: E402
"""Speed of the netting engine, and of four other solvers on the same data.

    python benchmarks/netting.py            about five minutes on one core
    python benchmarks/netting.py --large    also 100k members / 1M and 10M obligations

Each line runs in a process of its own, so that its memory can be told; compiled loops are loaded
before the clock starts, where numba is installed. Seconds are the processor's, on one core, so that
others on the machine count for little. A peer that takes longer than its time box, by the clock on
the wall, is stopped and shown as `> 60 s`.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# This file bears the name of the package that it measures, which must be found first.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from netting import compiled
from netting.certificate import Objective
from netting.check import check
from netting.generate import SHAPES, Market, core_periphery
from netting.graph import Graph, aggregate, compact, exact_sum, nets, set_off
from netting.gridlock import Queue, bypass, fifo, optimise
from netting.passes import Arrays, fastest
from netting.settle import Legs, leg_nets, settle
from netting.solve import solve

SEED = bytes(32)
PEER_SECONDS_MAX = 60

CHECKS = 3
"""Of which the fastest is shown."""

Row = list[str]


def clocked(stages: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """The result of `work`, its processor seconds noted under `name`."""
    start = time.process_time()
    result = work()
    stages[name] = time.process_time() - start
    return result


def market(shape: str, n: int, m: int) -> Market:
    return SHAPES[shape](n, m, 1)


def graph_of(shape: str, n: int, m: int) -> Graph:
    made = market(shape, n, m)
    return compact(set_off(aggregate(n, made.debtor, made.creditor, made.amount)).graph)[0]


def end_to_end(shape: str, n: int, m: int) -> Row:
    """From arrays of obligations to a checked certificate."""
    made, took = market(shape, n, m), dict[str, float]()
    gross = clocked(took, "sum", lambda: aggregate(n, made.debtor, made.creditor, made.amount))
    graph, members = clocked(took, "off", lambda: compact(set_off(gross).graph))
    ids = [b"member-%08d" % who for who in members.tolist()]
    certificate = clocked(took, "solve", lambda: solve(graph, ids, SEED))
    for name, passes in (("arrays", Arrays()), ("check", fastest())):
        took[name] = 60.0
        for _ in range(CHECKS):
            start = time.process_time()
            proven = check(graph, ids, SEED, certificate, passes=passes)
            took[name] = min(took[name], time.process_time() - start)
    whole = took["sum"] + took["off"] + took["solve"]
    return [
        f"{shape} {n:,} / {m:,}",
        f"{graph.pairs:,}",
        *(f"{took[name]:.3f}" for name in ("sum", "off", "solve")),
        f"{whole:.2f}",
        f"{took['arrays'] * 1000:.1f}",
        f"{took['check'] * 1000:.1f}",
        f"{whole / took['check']:.0f}",
        f"{len(certificate) / max(1, graph.n):.1f}",
        f"{100 * proven.total / max(1, exact_sum(graph.amount)):.1f} %",
        proven.objective.name.lower(),
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}",
    ]


def settlement(shape: str, n: int, m: int, short_percent: int) -> Row:
    """One settlement pass, some members without any cash."""
    made, took = market(shape, n, m), dict[str, float]()
    one_asset = np.zeros(len(made.amount), np.int64)
    legs = Legs(n, 1, made.debtor, made.creditor, one_asset, made.amount)
    cash = np.maximum(-leg_nets(legs), 0)
    cash[np.random.default_rng(1).random((n, 1)) * 100 < short_percent] = 0
    outcome = clocked(took, "settle", lambda: settle(legs, cash))
    return [
        f"{shape} {n:,} / {m:,}",
        f"{short_percent} %",
        f"{took['settle']:.3f}",
        f"{len(outcome.failed()):,}",
        f"{len(outcome.liquidity_events()):,}",
        f"{100 * outcome.discharged.mean():.1f} %",
    ]


def queue(n: int, m: int, cash_permille: int) -> Row:
    """Gridlock: the share of the queue's value that settles in each mode, and the bound."""
    made, took = core_periphery(n, m, 4), dict[str, float]()
    paid = np.zeros(n, np.int64)
    np.add.at(paid, made.debtor, made.amount)
    cash = paid * cash_permille // 1000
    waiting = Queue(n, made.debtor, made.creditor, made.amount, cash)
    ids = [b"member-%08d" % who for who in range(n)]
    whole = exact_sum(made.amount)
    first = clocked(took, "fifo", lambda: fifo(waiting))
    passed = clocked(took, "bypass", lambda: bypass(waiting))
    best = clocked(took, "optimise", lambda: optimise(waiting, ids, SEED))
    values = (waiting.value(first), waiting.value(passed), waiting.value(best.settled), best.bound)
    return [
        f"{n:,} / {m:,}, cash {cash_permille / 10:.1f} %",
        *(f"{100 * value / whole:.1f} %" for value in values),
        *(f"{took[name]:.2f}" for name in ("fifo", "bypass", "optimise")),
    ]


def peer(name: str, shape: str, n: int, m: int) -> Row:
    """Seconds and result of one solver for the largest amount that cancels."""
    graph = graph_of(shape, n, m)
    took: dict[str, float] = {}
    cleared = clocked(took, name, lambda: PEERS[name](graph))
    return [f"{took[name]:.2f}", str(cleared)]


def this_engine(graph: Graph) -> int:
    ids = [b"member-%08d" % who for who in range(graph.n)]
    proven = check(graph, ids, SEED, solve(graph, ids, SEED))
    assert proven.objective is Objective.OPTIMAL
    return proven.total


def pylmcf_alone(graph: Graph) -> int:
    from pylmcf.pylmcf_cpp import CGraph

    network = CGraph(graph.n, graph.debtor, graph.creditor)
    network.set_node_supply(-nets(graph))
    network.set_edge_capacities(graph.amount)
    network.set_edge_costs(graph.value())
    network.solve()
    return exact_sum(graph.amount - network.result())


def ortools(graph: Graph) -> int:
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    solver = SimpleMinCostFlow()
    edges = solver.add_arcs_with_capacity_and_unit_cost(
        graph.debtor, graph.creditor, graph.amount, graph.value()
    )
    solver.set_nodes_supplies(np.arange(graph.n), -nets(graph))
    assert solver.solve() == solver.OPTIMAL
    return exact_sum(graph.amount - solver.flows(edges))


def networkx(graph: Graph) -> int:
    import networkx as nx

    network = nx.DiGraph()
    columns = (graph.debtor.tolist(), graph.creditor.tolist(), graph.amount.tolist())
    for debtor, creditor, amount in zip(*columns, strict=True):
        network.add_edge(debtor, creditor, capacity=amount, weight=-1)
    return -int(nx.network_simplex(network)[0])


def highs(graph: Graph) -> int:
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    edges = np.arange(graph.pairs)
    ones = np.ones(graph.pairs)
    conserved = coo_array(
        (
            np.concatenate((-ones, ones)),
            (np.concatenate((graph.debtor, graph.creditor)), np.concatenate((edges, edges))),
        ),
        shape=(graph.n, graph.pairs),
    ).tocsr()
    bounds = np.stack((np.zeros(graph.pairs), graph.amount.astype(np.float64)), axis=1)
    best = linprog(-ones, A_eq=conserved, b_eq=np.zeros(graph.n), bounds=bounds, method="highs")
    flows = np.round(best.x).astype(np.int64)
    imbalance = np.zeros(graph.n, np.int64)
    np.add.at(imbalance, graph.creditor, flows)
    np.subtract.at(imbalance, graph.debtor, flows)
    print(f"    (HiGHS, rounded: imbalances of {int(np.abs(imbalance).sum()):,} units in all)")
    return exact_sum(flows)


PEERS: dict[str, Callable[[Graph], int]] = {
    "this engine, checked": this_engine,
    "pylmcf": pylmcf_alone,
    "OR-tools": ortools,
    "SciPy/HiGHS": highs,
    "networkx": networkx,
}


def alone(seconds_max: float | None, work: Callable[..., Row], *args: object) -> Row | None:
    """The row that `work` makes in a fresh process; None if it takes too long."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(theirs, work, *args))
    process.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(seconds_max) else None
    except EOFError:
        return ["failed"]
    finally:
        process.kill()
        process.join()


def _send(pipe: Any, work: Callable[..., Row], *args: object) -> None:
    compiled.load()
    pipe.send(work(*args))


def table(title: str, head: Row, rows: list[Row]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}")
    for row in [head, *rows]:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--large", action="store_true", help="also 100k members")
    parser.add_argument("--quick", action="store_true", help="small sizes only, for a first look")
    chosen = parser.parse_args()

    sizes = [("core-periphery", 1_000, 20_000), ("ring", 2_000, 4_000)]
    if not chosen.quick:
        sizes += [("core-periphery", 5_000, 1_000_000), ("trade-credit", 5_000, 1_000_000)]
        sizes += [("trade-credit", 20_000, 200_000), ("ring", 20_000, 40_000)]
        sizes += [("ring", 20_000, 200_000)]
    if chosen.large:
        sizes += [("core-periphery", 100_000, 1_000_000), ("trade-credit", 100_000, 1_000_000)]
        sizes += [("core-periphery", 100_000, 10_000_000)]
    head = ["members / obligations", "edges", "sum s", "off s", "solve s", "all s"]
    head += ["arrays ms", "check ms", "faster", "B/member", "cleared", "objective", "MiB"]
    rows = [alone(None, end_to_end, *size) or [] for size in sizes]
    table("From arrays to a certificate, and its check", head, rows)

    head = ["members / obligations", "no cash", "settle s", "failed", "liquidity", "discharged"]
    m = 20_000 if chosen.quick else 1_000_000
    cases = [("core-periphery", 5_000, m, share) for share in (0, 1, 10)]
    rows = [alone(None, settlement, *case) or [] for case in cases]
    table("Settlement", head, rows)

    head = ["payments", "fifo", "bypass", "optimised", "bound", "fifo s", "bypass s", "optimise s"]
    payments = (100, 2_000) if chosen.quick else (500, 100_000)
    rows = [alone(None, queue, *payments, cash) or [] for cash in (5, 20, 100)]
    table("Gridlock: share of the value queued", head, rows)

    for size in sizes[:1] if chosen.quick else [sizes[0], sizes[2], sizes[6]]:
        rows = []
        for name in PEERS:
            result = alone(PEER_SECONDS_MAX, peer, name, *size)
            rows.append([name, *(result or [f"> {PEER_SECONDS_MAX}", ""])])
        table("Peers: {} {:,} / {:,}".format(*size), ["solver", "s", "units cleared"], rows)


if __name__ == "__main__":
    main()
