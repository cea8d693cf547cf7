"""Graphs with one more participant, who stands for cash or for tolerance and counts nothing.

The same solver, certificate and checker then answer two more questions: how much of a queue of
payments could settle if payments were divisible (`gridlock`), and how much of a contract cancels
if everybody's position may move a little (`compress`).
"""

import numpy as np

from netting.graph import Graph, Index, Ints, ParticipantId, aggregate

FREE_ID: ParticipantId = b""
"""The id of the free participant; it stands last, and nobody else may have an empty one."""


def with_source(
    n: int, debtor: Index | Ints, creditor: Index | Ints, amount: Ints, free: tuple[Ints, Ints]
) -> Graph:
    """The graph of the debts, and of participant n, from whom each may take and give.

    `free`: (takes, gives), int64[n] each, the most that each participant may take from n and
    give to n. Raises `BadObligations` as `aggregate` does.
    """
    takes, gives = free
    takers, givers = np.flatnonzero(takes), np.flatnonzero(gives)
    graph = aggregate(
        n + 1,
        np.concatenate((debtor, np.full(len(takers), n), givers)),
        np.concatenate((creditor, takers, np.full(len(givers), n))),
        np.concatenate((amount, takes[takers], gives[givers])),
    )
    return Graph(graph.n, graph.debtor, graph.creditor, graph.amount, n)
