"""What a node tells light clients, from its own store, and the evidence it takes from them."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from consensus.messages import Equivocation, Vote, VoteKind, sign_bytes, with_signature
from node.api.app import make_app
from node.blocks import LightBlock
from node.core import inputs as i
from node.daemon import Daemon
from node.light.asking import Ask, Told, drive
from node.light.client import LightClient
from node.light.root import GenesisRoot, root_store
from node.light.verify import Options
from node.messages import EvidenceMessage, encode_message
from tests.node.stores import small_network
from wire.codec import decode, sha256

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")

FOUNDED = small_network()
CHAIN = FOUNDED.genesis.chain_id


@pytest.fixture
async def daemon(filled_home: Path, tmp_path: Path) -> AsyncIterator[Daemon]:
    shutil.copytree(filled_home, tmp_path / "home")
    made = await Daemon.open(tmp_path / "home")
    yield made
    made._log.close()
    await made.store.close()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = make_app(daemon)
    through = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {daemon.home.token()}"}
    async with httpx.AsyncClient(
        transport=through, base_url="http://node", headers=headers
    ) as made:
        yield made


async def test_a_stored_chain_is_verified_from_its_genesis(
    client: httpx.AsyncClient, daemon: Daemon
) -> None:
    blocks: dict[int, LightBlock] = {}
    last = daemon.shell.tip.height
    for height in [*range(1, last + 1), "latest"]:
        answer = (await client.get(f"/v1/light/{height}")).json()
        blocks[answer["height"]] = decode(bytes.fromhex(answer["light_block"]), LightBlock, 1 << 20)
    now_ms = blocks[last].header.time_ms + 1

    def answer_of(question: Ask) -> Told:
        return Told(blocks.get(question.height or last), now_ms)

    tip = daemon.shell.tip
    genesis = GenesisRoot(
        CHAIN, blocks[1].header.last_block_id, FOUNDED.genesis.time_ms, tip.validators.members
    )
    store = drive(root_store("node", genesis, Options()), answer_of)
    for skip in (True, False):
        light = LightClient(store, "node", ("witness",), Options(), skip=skip)
        assert drive(light.to_height(0, now_ms), answer_of) == blocks[last]
        assert light.dismissed == []


@pytest.mark.parametrize("height", ["0", "-1", "x", "999999", "9" * 50, "LATEST"])
async def test_other_heights_are_refused(client: httpx.AsyncClient, height: str) -> None:
    answer = await client.get(f"/v1/light/{height}")
    assert answer.status_code in (400, 404)
    assert answer.json()["remedy"]


def equivocation(height: int, member: int = 2) -> EvidenceMessage:
    key = FOUNDED.members[member].key("consensus")

    def vote(block: bytes) -> Vote:
        made = Vote(VoteKind.PRECOMMIT, height, 0, sha256(block), 5, key.public, b"")
        signed = with_signature(made, key.sign(sign_bytes(CHAIN, made)))
        assert isinstance(signed, Vote)
        return signed

    return EvidenceMessage(Equivocation(vote(b"one"), vote(b"two")))


async def post(client: httpx.AsyncClient, *messages: EvidenceMessage) -> httpx.Response:
    content = {"evidence": [encode_message(message).hex() for message in messages]}
    return await client.post("/v1/evidence", json=content)


async def test_evidence_is_taken_in_and_goes_to_the_core(
    client: httpx.AsyncClient, daemon: Daemon
) -> None:
    height = daemon.shell.tip.height
    answer = await post(client, equivocation(height), equivocation(height, 3))
    assert (answer.status_code, answer.json()) == (201, {"received": 2})
    given = list(daemon.shell._queue)
    assert [type(one) for one in given] == [i.EvidenceFound] * 2
    for one in given:
        daemon.shell.core.handle(one)
    assert len(daemon.shell.core.deciding.evidence) == 2


async def test_what_shows_nothing_is_refused_with_a_reason(
    client: httpx.AsyncClient, daemon: Daemon
) -> None:
    height = daemon.shell.tip.height
    good = equivocation(height)
    assert isinstance(good.piece, Equivocation)
    same = EvidenceMessage(Equivocation(good.piece.first, good.piece.first))
    other = EvidenceMessage(
        Equivocation(good.piece.first, equivocation(height, 3).piece.second)  # type: ignore[union-attr]
    )
    unsigned = EvidenceMessage(
        Equivocation(good.piece.first, with_signature(good.piece.second, bytes(64)))
    )
    for bad, code in [
        (same, "CONSENSUS_BAD_EVIDENCE"),
        (other, "CONSENSUS_BAD_EVIDENCE"),
        (unsigned, "WIRE_BAD_SIGNATURE"),
        (equivocation(height + 5), "EVIDENCE_REFUSED"),
    ]:
        answer = await post(client, good, bad)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    for content in ({}, {"evidence": []}, {"evidence": ["zz"]}, {"evidence": [1]}, {"evidence": 7}):
        assert (await client.post("/v1/evidence", json=content)).status_code in (400, 422)
    assert not daemon.shell._queue
