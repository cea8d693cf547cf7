"""A party's own part of a netting round, proved under one header to somebody without the ledger."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ledger import tables as t
from ledger.genesis import genesis_hash
from ledger.receipts import RoundResult
from node.blocks import block_id
from node.core.chain import Tip
from node.home import Home
from node.proofs import check_file
from node.round_proofs import ProvedPart, prove_part, to_file
from node.storage.store import Store
from tests.node.stores import copied
from wire.codec import decode, encode
from wire.errors import BadProof
from wire.ids import Party


class Settled:
    """The newest round settled in the filled home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.genesis = home.genesis()

    async def load(self) -> "Settled":
        store = await Store.open(self.home.store, genesis_hash(self.genesis))
        tip = await store.load_tip(Tip.at_genesis(self.genesis))
        rows = [row for _, row in tip.state.scan(t.ROUNDS) if row.settle_height < tip.height]
        self.row = rows[-1]
        self.leaves = await store.results(self.row.settle_height)
        successor = await store.block(self.row.settle_height + 1)
        assert successor is not None
        self.successor = successor
        await store.close()
        self.results = [decode(leaf, RoundResult, 1 << 16) for leaf in self.leaves]
        return self

    def part(self, party: str) -> ProvedPart | None:
        return prove_part(self.successor, self.leaves, self.row.number, party)

    def checked(self, part: ProvedPart) -> dict[str, object]:
        header_id = block_id(self.successor.block.header).hex()
        return check_file(json.dumps(to_file(part)), self.genesis, header_id)


@pytest.fixture
async def settled(filled_home: Path, tmp_path: Path) -> Settled:
    return await Settled(copied(filled_home, tmp_path / "home")).load()


async def test_everybody_can_extract_its_own_part_and_no_more(settled: Settled) -> None:
    assert len(settled.results) > 1
    parties = {one.debtor for one in settled.results} | {one.creditor for one in settled.results}
    for party in parties:
        part = settled.part(party)
        assert part is not None
        told = settled.checked(part)["claim"]
        mine = [one for one in settled.results if party in (one.debtor, one.creditor)]
        assert [one.result for one in part.results] == mine
        assert isinstance(told, dict)
        assert told["key"] == [settled.row.number, party]
        assert len(told["row"]) == len(mine)
    assert settled.part("5299000J2N45DDNE4Y28") is None


async def test_a_members_part_holds_those_of_its_clients(settled: Settled) -> None:
    member = settled.results[0].debtor
    of_client = msgspec.structs.replace(settled.results[0], debtor=Party(member + ":CLIENT1"))
    leaves = [encode(of_client), *settled.leaves[1:]]
    for party, count in ((member + ":CLIENT1", 1), (member + ":CLIENT2", 0)):
        part = prove_part(settled.successor, leaves, settled.row.number, party)
        assert (0 if part is None else len(part.results)) == count
    whole = prove_part(settled.successor, leaves, settled.row.number, member)
    assert whole is not None
    assert whole.results[0].result == of_client


def first(part: ProvedPart, **changes: object) -> ProvedPart:
    changed = msgspec.structs.replace(part.results[0], **changes)
    return msgspec.structs.replace(part, results=(changed, *part.results[1:]))


def result(part: ProvedPart, **changes: object) -> ProvedPart:
    return first(part, result=msgspec.structs.replace(part.results[0].result, **changes))


FORGED: dict[str, Callable[[ProvedPart], ProvedPart]] = {
    "an amount": lambda x: result(x, settled=x.results[0].result.settled + 1),
    "the salt": lambda x: result(x, salt=bytes(32)),
    "the culprit": lambda x: result(x, because_of=Party("5299000J2N45DDNE4Y28")),
    "the place": lambda x: first(x, index=x.results[0].index + 1),
    "the path": lambda x: first(x, path=(bytes(32), *x.results[0].path[1:])),
    "a shorter path": lambda x: first(x, path=x.results[0].path[1:]),
    "the size": lambda x: msgspec.structs.replace(x, size=x.size * 2 + 1),
    "the round": lambda x: msgspec.structs.replace(x, round=x.round + 1),
    "the party": lambda x: msgspec.structs.replace(x, party="5299000J2N45DDNE4Y28"),
    "the header": lambda x: msgspec.structs.replace(
        x, header=msgspec.structs.replace(x.header, results_root=bytes(32))
    ),
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_part_is_refused(settled: Settled, what: str) -> None:
    part = settled.part(settled.results[-1].creditor)
    assert part is not None
    assert settled.checked(part)["valid"]
    with pytest.raises(BadProof):
        settled.checked(FORGED[what](part))


async def test_equal_results_have_unlike_salts(settled: Settled) -> None:
    assert len({one.salt for one in settled.results}) == len(settled.results)
