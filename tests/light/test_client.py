"""The light client with nodes that are honest, silent, lagging or lying; what it trusts then."""

import os

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.blocks import LightBlock, block_id
from node.light.asking import LATEST, climb, drive
from node.light.client import SILENCES_MAX, LightClient
from node.light.errors import HeightNotReached, Lied, NoProvider, TrustExpired, WrongRoot
from node.light.root import GenesisRoot, NamedHeader, root_store
from node.light.store import TrustedStore, decode_store, encode_store
from node.light.verify import Options, TrustLevel
from tests.light.chains import CHAIN, GENESIS, START_MS, Chain, Nodes, Powers, light_block

FOUR = dict.fromkeys("abcd", 10)
DAY = 24 * 60 * 60 * 1_000
HOW = Options(trusting_period_ms=DAY)
HISTORIES = int(os.environ.get("DCN_LIGHT_HISTORIES", "25"))


@st.composite
def histories(draw: st.DrawFn) -> Chain:
    """A chain of up to 24 blocks whose validators leave, join and change power as they like."""
    names = [f"v{number}" for number in range(8)]
    powers = st.integers(1, 100)
    sets: list[Powers] = [draw(st.dictionaries(st.sampled_from(names), powers, min_size=1))]
    for _ in range(draw(st.integers(3, 24))):
        changed = dict(sets[-1])
        for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=True)):
            if name in changed and len(changed) > 1 and draw(st.booleans()):
                del changed[name]
            else:
                changed[name] = draw(powers)
        sets.append(changed)
    return Chain(sets)


def client(
    chain: Chain, *, witness: str = "witness", root: int = 1, how: Options = HOW, skip: bool = True
) -> LightClient:
    return LightClient(TrustedStore([chain.at(root)]), "node", (witness,), how, skip=skip)


# ---------------------------------------------------------------- forwards
@settings(max_examples=HISTORIES, deadline=None)
@given(chain=histories(), level=st.sampled_from([(1, 3), (1, 2), (1, 1)]))
def test_skipping_and_sequential_verification_trust_the_same(
    chain: Chain, level: tuple[int, int]
) -> None:
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    how = Options(TrustLevel(*level), DAY)
    found = [
        drive(client(chain, how=how, skip=skip).to_height(LATEST, chain.now_ms), nodes)
        for skip in (True, False)
    ]
    assert found == [chain.at(chain.height)] * 2


@settings(max_examples=HISTORIES, deadline=None)
@given(chain=histories(), data=st.data())
def test_any_height_is_reached_from_any_trusted_one(chain: Chain, data: st.DataObject) -> None:
    heights = st.integers(1, chain.height)
    light = client(chain, root=data.draw(heights))
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    for height in data.draw(st.lists(heights, max_size=5)):
        assert drive(light.to_height(height, chain.now_ms), nodes) == chain.at(height)
    assert all(light.store.get(h) == chain.at(h) for h in light.store.heights)
    assert light.dismissed == []


def test_an_unchanged_set_takes_one_step_however_far() -> None:
    chain = Chain([FOUR] * 200)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    drive(client(chain).to_height(LATEST, chain.now_ms), nodes)
    assert [ask.node for ask in nodes.asked] == ["node", "witness"]


def test_a_set_that_changes_wholly_is_followed_by_bisection() -> None:
    sets = [{name: 1} for name in "abcdefgh" for _ in range(8)]
    chain = Chain(sets)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    light = client(chain)
    drive(light.to_height(LATEST, chain.now_ms), nodes)
    assert len([ask for ask in nodes.asked if ask.node == "node"]) < chain.height
    asked_twice = [ask for ask in nodes.asked if nodes.asked.count(ask) > 1]
    assert asked_twice == []


def test_every_height_of_a_sequential_client_is_verified() -> None:
    chain = Chain([FOUR] * 20)
    forged = light_block(10, {"x": 1}, FOUR)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    nodes.blocks["node"][10] = forged
    with pytest.raises(Lied):
        drive(climb("node", chain.at(1), chain.at(19), chain.now_ms, HOW, skip=False), nodes)
    light = LightClient(TrustedStore([chain.at(1)]), "node", ("witness", "other"), HOW, skip=False)
    nodes.blocks["other"] = nodes.blocks["witness"]
    assert drive(light.to_height(LATEST, chain.now_ms), nodes) == chain.at(19)
    assert [one.node for one in light.dismissed] == ["node"]


def test_a_height_of_the_future_is_not_reached() -> None:
    chain = Chain([FOUR] * 5)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    with pytest.raises(HeightNotReached, match="is at 4"):
        drive(client(chain).to_height(9, chain.now_ms), nodes)


def test_neighbours_that_are_not_linked_are_not_trusted() -> None:
    chain = Chain([FOUR] * 3)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    nodes.blocks["node"][2] = light_block(2, FOUR, FOUR)  # signed by all, of another parent
    with pytest.raises(NoProvider, match="not linked"):
        drive(client(chain).to_height(2, chain.now_ms), nodes)


# ---------------------------------------------------------------- backwards, expiry, pruning
def test_below_the_root_the_chain_of_hashes_leads_down() -> None:
    chain = Chain([FOUR] * 12)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    light = client(chain, root=10)
    assert drive(light.to_height(4, chain.now_ms), nodes) == chain.at(4)
    assert [ask.height for ask in nodes.asked] == [9, 8, 7, 6, 5, 4]


def test_a_forged_ancestor_is_refused() -> None:
    chain = Chain([FOUR] * 12)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    nodes.blocks["node"][7] = light_block(7, FOUR, FOUR, body="other")
    light = LightClient(TrustedStore([chain.at(10)]), "node", ("witness", "more"), HOW)
    nodes.blocks["more"] = nodes.blocks["witness"]
    assert drive(light.to_height(4, chain.now_ms), nodes) == chain.at(4)
    assert [one.node for one in light.dismissed] == ["node"]


def test_an_ancestor_sent_with_other_validators_is_refused() -> None:
    chain = Chain([FOUR] * 12)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    other = msgspec.structs.replace(chain.at(9), validators=light_block(1, {"x": 1}, {}).validators)
    nodes.blocks["node"][9] = other
    with pytest.raises(NoProvider, match="validators"):
        drive(client(chain, root=10).to_height(9, chain.now_ms), nodes)


def test_old_trust_reaches_nothing_new_but_all_that_is_older() -> None:
    chain = Chain([FOUR] * 12)
    later = chain.at(6).header.time_ms + DAY
    nodes = Nodes(later, node=chain, witness=chain)
    light = client(chain, root=6)
    with pytest.raises(TrustExpired):
        drive(light.to_height(LATEST, later), nodes)
    assert drive(light.to_height(3, later), nodes) == chain.at(3)


def test_trust_that_runs_out_on_the_way_is_nobodys_lie() -> None:
    chain = Chain([{name: 1} for name in "abcdefgh"])
    light = client(chain)
    nodes = Nodes(chain.at(1).header.time_ms + DAY, node=chain, witness=chain)
    with pytest.raises(TrustExpired):
        drive(light.to_height(7, chain.now_ms), nodes)
    assert light.dismissed == []


def test_a_pruned_store_keeps_its_newest_blocks_and_its_root() -> None:
    chain = Chain([FOUR] * 12)
    store = TrustedStore(chain.blocks)
    assert store.pruned(4).heights == (1, 9, 10, 11)
    assert store.pruned(100).heights == store.heights
    assert store.below(1) is None
    assert store.above(11) is None
    assert decode_store(encode_store(store)).blocks == store.blocks


# ---------------------------------------------------------------- nodes that fail
def test_a_silent_primary_is_replaced_and_in_the_end_asked_no_more() -> None:
    chain = Chain([FOUR] * 6)
    nodes = Nodes(chain.now_ms, node=chain, second=chain, third=chain)
    nodes.blocks["node"] = {}
    light = LightClient(TrustedStore([chain.at(1)]), "node", ("second", "third"), HOW)
    assert drive(light.to_height(3, chain.now_ms), nodes) == chain.at(3)
    assert light.nodes[0] == "second"
    for height in range(4, 4 + SILENCES_MAX - 1):
        nodes.blocks["node"] = {}
        if height <= chain.height:
            drive(light.to_height(height, chain.now_ms), nodes)
    assert [one.node for one in light.dismissed] == ["node"]


def test_a_primary_that_sends_another_height_is_dismissed() -> None:
    chain = Chain([FOUR] * 6)
    nodes = Nodes(chain.now_ms, node=chain, second=chain, third=chain)
    nodes.blocks["node"][5] = chain.at(4)
    light = LightClient(TrustedStore([chain.at(1)]), "node", ("second", "third"), HOW)
    assert drive(light.to_height(5, chain.now_ms), nodes) == chain.at(5)
    assert [one.node for one in light.dismissed] == ["node"]


def test_without_a_witness_nothing_is_trusted_unless_the_reader_says_so() -> None:
    chain = Chain([FOUR] * 6)
    with pytest.raises(NoProvider):
        LightClient(TrustedStore([chain.at(1)]), "node", (), HOW)
    alone = LightClient(TrustedStore([chain.at(1)]), "node", (), HOW, alone=True)
    nodes = Nodes(chain.now_ms, node=chain)
    assert drive(alone.to_height(LATEST, chain.now_ms), nodes) == chain.at(5)


def test_a_witness_that_lags_is_no_agreement() -> None:
    chain = Chain([FOUR] * 6)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    del nodes.blocks["witness"][5]
    light = client(chain)
    with pytest.raises(NoProvider, match="no witness has block 5"):
        drive(light.to_height(5, chain.now_ms), nodes)
    assert light.store.heights == (1,)


def test_a_witness_with_an_unsound_block_is_dismissed() -> None:
    chain = Chain([FOUR] * 6)
    nodes = Nodes(chain.now_ms, node=chain, liar=chain, witness=chain)
    nodes.blocks["liar"][5] = light_block(5, {"x": 1}, FOUR)
    light = LightClient(TrustedStore([chain.at(1)]), "node", ("liar", "witness"), HOW)
    assert drive(light.to_height(5, chain.now_ms), nodes) == chain.at(5)
    assert [one.node for one in light.dismissed] == ["liar"]


# ---------------------------------------------------------------- where trust begins
def _genesis(chain: Chain) -> GenesisRoot:
    return GenesisRoot(CHAIN, GENESIS, START_MS, chain.at(1).validators)


def test_trust_begins_with_the_genesis_or_a_named_header() -> None:
    chain = Chain([FOUR] * 6)
    nodes = Nodes(chain.now_ms, node=chain)
    store = drive(root_store("node", _genesis(chain), HOW), nodes)
    assert store.blocks == (chain.at(1),)
    named = NamedHeader(4, block_id(chain.at(4).header))
    assert drive(root_store("node", named, HOW), nodes).blocks == (chain.at(4),)


def _roots(chain: Chain) -> list[tuple[GenesisRoot | NamedHeader, LightBlock]]:
    good = chain.at(1)
    genesis = _genesis(chain)
    forged = light_block(1, FOUR, FOUR, parent=GENESIS, signers="ab")
    return [
        (genesis, light_block(1, FOUR, FOUR)),
        (genesis, light_block(1, FOUR, FOUR, parent=GENESIS, time_ms=START_MS + 1)),
        (genesis, light_block(1, {"x": 1}, FOUR, parent=GENESIS)),
        (genesis, light_block(1, FOUR, {"x": 1}, parent=GENESIS)),
        (genesis, forged),
        (NamedHeader(1, block_id(chain.at(2).header)), good),
        (NamedHeader(1, block_id(forged.header)), forged),
    ]


@pytest.mark.parametrize("case", range(7))
def test_another_first_block_is_no_root(case: int) -> None:
    chain = Chain([FOUR] * 3)
    root, block = _roots(chain)[case]
    nodes = Nodes(chain.now_ms, node=chain)
    nodes.blocks["node"] = {1: block}
    with pytest.raises(WrongRoot):
        drive(root_store("node", root, HOW), nodes)


def test_a_root_older_than_the_trusting_period_is_refused() -> None:
    chain = Chain([FOUR] * 3)
    nodes = Nodes(START_MS + DAY, node=chain)
    with pytest.raises(TrustExpired):
        drive(root_store("node", _genesis(chain), HOW), nodes)
    nodes.blocks["node"] = {}
    with pytest.raises(NoProvider):
        drive(root_store("node", _genesis(chain), HOW), nodes)
