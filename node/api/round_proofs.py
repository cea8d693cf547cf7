"""A party's own part of a settled netting round, proved under one header."""

from typing import Any

from litestar import get

from ledger import objects as o
from ledger import tables as t
from node.api.errors import HeightPruned, NotFound
from node.api.reading import number_of
from node.daemon import Daemon
from node.proofs import ProofNotReady
from node.round_proofs import prove_part, to_file


def round_proof_routes(daemon: Daemon) -> list[Any]:
    """The routes that prove results of rounds."""

    @get("/round-proof")
    async def round_proof(number: str, party: str = "") -> dict[str, Any]:
        """A proof file of what round `number` did for `party` (by default this member)."""
        row = daemon.shell.tip.state.get(t.ROUNDS, t.ROUNDS.key(number_of(number)))
        if row is None:
            raise NotFound(f"round {number}")
        if row.state != o.RoundState.SETTLED:
            raise ProofNotReady(f"round {number} settles with block {row.settle_height}")
        successor = await daemon.store.block(row.settle_height + 1)
        if successor is None:
            if row.settle_height < daemon.shell.tip.height:
                raise HeightPruned(f"block {row.settle_height + 1}, which proves round {number}")
            raise ProofNotReady(f"block {row.settle_height + 1} proves round {number}")
        leaves = await daemon.store.results(row.settle_height)
        whose = party or daemon.config.lei
        proved = prove_part(successor, leaves, row.number, whose)
        if proved is None:
            raise NotFound(f"a result of round {number} for {whose[:40]}")
        return to_file(proved)

    return [round_proof]
