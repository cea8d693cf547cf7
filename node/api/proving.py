"""Routes that prove: a row of the state, or a party's own part of a settled netting round."""

from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import get
from litestar.params import QueryParameter

from ledger import objects as o
from ledger import tables as t
from node import round_proofs
from node.api import views
from node.api.errors import HeightPruned, NotFound
from node.api.reading import number_of
from node.apitypes import answers as a
from node.apitypes.shown import from_json
from node.daemon import Daemon
from node.proofs import ProofNotReady, prove_row, to_file
from node.viewing.seen import check_row
from node.viewing.viewer import NotYours, viewer_now

RoundNumber: TypeAlias = Annotated[str, QueryParameter(pattern="^[0-9]{1,15}$")]
Table: TypeAlias = Annotated[str, QueryParameter(enum=list(views.PROVABLE))]
Parts: TypeAlias = Annotated[
    list[str], QueryParameter(max_items=2, description="The parts of the row's key, in order.")
]


def proof_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""

    @get("/proof", sync_to_thread=False)
    def proof(table: Table, key: Parts) -> a.ProofFile:
        """A proof file of a row: `table` and the parts of its key, e.g. balance of LEI USD."""
        shell = daemon.shell
        wanted = views.key_of(table, key)
        check_row(shell.tip.state, wanted)
        found = to_file(prove_row(shell.before, shell.last, wanted))
        return msgspec.convert(found, a.ProofFile, dec_hook=from_json)

    @get("/round-proof")
    async def round_proof(number: RoundNumber, party: str = "") -> a.ResultProofFile:
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
        if not viewer_now().may_see((whose,), date=row.date):
            raise NotYours(f"what round {number} did for {whose[:40]}")
        proved = round_proofs.prove_part(successor, leaves, row.number, whose)
        if proved is None:
            raise NotFound(f"a result of round {number} for {whose[:40]}")
        found = round_proofs.to_file(proved)
        return msgspec.convert(found, a.ResultProofFile, dec_hook=from_json)

    return [proof, round_proof]
