"""What was cancelled on a pair, given to its single obligations, oldest first."""

import numpy as np

from netting.graph import Ints


def allot(edge: Ints, amount: Ints, cancelled: Ints) -> Ints:
    """int64[m]: cancelled of each obligation.

    `edge`: int64[m], the edge each obligation belongs to, obligations oldest first; `amount`:
    int64[m]; `cancelled`: int64[E], at most the sum of its obligations on every edge.
    """
    if len(edge) == 0:
        return np.zeros(0, np.int64)
    order = np.argsort(edge, kind="stable")
    amounts, edges = amount[order], edge[order]
    # Running totals may wrap around over all pairs together; differences within a pair do not.
    before = np.cumsum(amounts) - amounts
    first = np.flatnonzero(np.diff(edges, prepend=-1))
    older = before - np.repeat(before[first], np.diff(first, append=len(edges)))
    share = np.zeros(len(edge), np.int64)
    share[order] = np.clip(cancelled[edges] - older, 0, amounts)
    return share
