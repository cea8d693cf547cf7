"""What light clients ask of a node: light blocks, and to take evidence of an attack."""

from typing import Any

from litestar import get, post

from ledger.state import Draft
from ledger.validators import fault_of
from node.api.errors import BadRequest, NotFound
from node.api.reading import Height, number_of
from node.apitypes import answers as a
from node.apitypes import outcomes
from node.apitypes.requests import NewEvidence
from node.apitypes.shown import Shown
from node.blocks import EvidencePiece, accusation, block_id
from node.core import inputs as i
from node.daemon import Daemon
from node.messages import EvidenceMessage, decode_message
from node.shell import now_ms
from node.storage.light import light_block
from node.verify import verify_evidence
from wire.codec import encode
from wire.errors import Rejection


class EvidenceRefused(Rejection):
    """Evidence that the ledger would not act on: too old, acted on already, or about nobody."""

    code = "EVIDENCE_REFUSED"
    remedy = "None, if it has been acted on. Else keep it: it is about another chain or height."


def light_routes(daemon: Daemon) -> list[Any]:
    """The handlers of /v1/light and /v1/evidence."""

    @get("/light/{height:str}")
    async def light(height: Height) -> a.LightView:
        """The light block of a height or `latest`: header, commit, validators and next ones."""
        latest = daemon.shell.tip.height
        number = latest if height == "latest" else number_of(height)
        found = await light_block(daemon.store, number)
        if found is None:
            raise NotFound(f"block {number}, the last is {latest}")
        ident = block_id(found.header).hex()
        raw = encode(found).hex()
        return a.LightView(height=number, id=ident, header=Shown(found.header), light_block=raw)

    @post("/evidence")
    async def evidence(data: NewEvidence) -> outcomes.EvidenceTaken:
        """Take in evidence against validators; it goes to
        the peers and into a block."""
        pieces = [_piece(text) for text in data.evidence]
        verified = [verify_evidence(daemon.genesis.chain_id, piece) for piece in pieces]
        state = Draft(daemon.shell.tip.state)
        for piece in pieces:
            fault = fault_of(state, accusation(piece))
            if fault is not None:
                raise EvidenceRefused(fault)
        for one in verified:
            daemon.shell.put(i.EvidenceFound(one, now_ms()))
        return outcomes.EvidenceTaken(received=len(verified))

    return [light, evidence]


def _piece(text: str) -> EvidencePiece:
    try:
        message = decode_message(bytes.fromhex(text))
    except ValueError:
        raise BadRequest("a piece of evidence is not hex") from None
    if not isinstance(message, EvidenceMessage):
        raise BadRequest("not evidence but another message")
    return message.piece
