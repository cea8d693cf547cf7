"""Random markets as hypothesis strategies, and the obligations of the examples."""

import os
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from netting.generate import SHAPES, Market
from netting.graph import Graph, aggregate, set_off

EXAMPLES = int(os.environ.get("NETTING_EXAMPLES", "100"))
"""Random cases per law; `NETTING_EXAMPLES=10000` for the long run."""

SEED = bytes(range(32))

Row = tuple[int, int, int]


@dataclass(frozen=True)
class Rows:
    """A market written as rows (debtor, creditor, amount)."""

    n: int
    rows: list[Row]

    def graph(self) -> Graph:
        return graph_of(self.n, self.rows)


def graph_of(n: int, rows: list[Row]) -> Graph:
    table = np.array(rows, np.int64).reshape(-1, 3)
    return aggregate(n, table[:, 0], table[:, 1], table[:, 2])


def market_graph(market: Market) -> Graph:
    return set_off(aggregate(market.n, market.debtor, market.creditor, market.amount)).graph


def ids_of(n: int) -> list[bytes]:
    return [b"member-%06d" % number for number in range(n)]


amounts = st.one_of(
    st.integers(1, 5), st.sampled_from([1, 10**13, 10**13 - 1]), st.integers(1, 10**13)
)


@st.composite
def row_markets(draw: st.DrawFn, n_max: int = 9, rows_max: int = 40) -> Rows:
    """Small and nasty: ties, both directions, duplicates, one member, nothing at all."""
    n = draw(st.integers(1, n_max))
    if n == 1:
        return Rows(1, [])
    ends = st.tuples(st.integers(0, n - 1), st.integers(1, n - 1))
    rows = draw(st.lists(st.tuples(ends, amounts), max_size=rows_max))
    return Rows(n, [(a, (a + step) % n, amount) for (a, step), amount in rows])


generated = st.builds(
    lambda shape, n, density, seed: SHAPES[shape](n, n * density, seed),
    st.sampled_from(sorted(SHAPES)),
    st.integers(2, 60),
    st.integers(1, 8),
    st.integers(0, 2**31),
)
"""Markets of the shapes of `netting.generate`, up to 60 members and 480 obligations."""
