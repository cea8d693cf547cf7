"""What a node holds, and how much of it there may be: looked at while a run goes on."""

from collections.abc import Iterator

from consensus.book import FUTURE_ROUNDS_KEPT, PAST_ROUNDS_KEPT
from node.core.candidates import CANDIDATES_MAX
from node.core.core import NodeCore
from node.core.deciding import UNLOGGED_MAX
from node.core.early import KEPT_MAX
from node.core.mempool import POOL_BYTES_MAX, POOL_TRANSACTIONS_MAX
from simulator.journal import Journal
from simulator.node import SimulatedNode

LOG_BYTES_PER_ROUND = 1 << 18
"""Of one height's log: the inputs of a round of ten validators, and a small block."""


def holdings(core: NodeCore) -> Iterator[tuple[str, int, int]]:
    """(what, how much is held, how much may be) of a core."""
    deciding = core.deciding
    book = deciding.run.core.process.book
    validators = len(deciding.run.core.process.validators)
    yield "transactions waiting", len(deciding.pool), POOL_TRANSACTIONS_MAX
    yield "bytes waiting", deciding.pool.bytes_waiting, POOL_BYTES_MAX
    yield "blocks under discussion", len(deciding.run.candidates.blocks), 2 * CANDIDATES_MAX
    buffered = max((len(kept) for kept in deciding._early._kept.values()), default=0)
    yield "messages of one peer for the next height", buffered, KEPT_MAX
    yield "records that wait for the log", deciding.run.unlogged, UNLOGGED_MAX
    ahead = [log for log in book.rounds.values() if log.round > book.round]
    senders = [key for log in ahead for key in log.speakers]
    most = max((senders.count(key) for key in dict.fromkeys(senders)), default=0)
    yield "later rounds of one sender", most, FUTURE_ROUNDS_KEPT
    past = sum(bool(log.prevotes.votes) for log in book.rounds.values() if log.round < book.round)
    yield "whole earlier rounds", past, PAST_ROUNDS_KEPT + validators


def look(node: SimulatedNode, journal: Journal) -> None:
    """Note what a correct node holds, and what is too much."""
    found = list(holdings(node.core))
    rounds = 1 + node.core.deciding.run.core.process.round
    found.append(
        ("bytes of log a round", len(node.disk.log) // max(rounds, 1), LOG_BYTES_PER_ROUND)
    )
    for what, held, limit in found:
        journal.memory[what] = max(journal.memory[what], held)
        if held > limit:
            journal.overgrown.append(f"{node.name} holds {held} {what}, at most {limit} allowed")
