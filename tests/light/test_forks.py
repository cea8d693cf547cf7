"""Two chains that both verify: found, narrowed to where they part, and laid to whom it was."""

import msgspec
import pytest

from consensus.messages import Equivocation, VoteKind, contradict
from consensus.validators import ValidatorSet
from consensus.verification import verify_equivocation
from node.blocks import EvidencePiece, ForgedHeader, LightBlock, accusation, block_id
from node.light.asking import LATEST, drive
from node.light.attribution import Attack, attribute, forged
from node.light.client import ForkFound, LightClient
from node.light.detection import Fork
from node.light.errors import NoProvider
from node.light.steps import key_of
from node.light.store import TrustedStore
from node.light.verify import Options
from tests.light.chains import CHAIN, Chain, Nodes, Powers, commit, light_block

FOUR = dict.fromkeys("abcd", 10)
HOW = Options(trusting_period_ms=24 * 60 * 60 * 1_000)


def keys(names: str) -> set[bytes]:
    return {key_of(name).public for name in names}


def accused(piece: EvidencePiece) -> bytes:
    return accusation(piece).consensus_key


def fork_of(ours: Chain, theirs: Chain, height: int = LATEST, root: int = 1) -> Fork:
    """What a client finds whose node has `ours` and whose witness `theirs`."""
    nodes = Nodes(max(ours.now_ms, theirs.now_ms), node=ours, witness=theirs)
    light = LightClient(TrustedStore([ours.at(root)]), "node", ("witness",), HOW)
    with pytest.raises(ForkFound) as found:
        drive(light.to_height(height, nodes.now_ms), nodes)
    assert light.store.heights == (root,)
    return found.value.fork


def honest(length: int = 20, validators: Powers = FOUR) -> Chain:
    return Chain([validators] * (length + 1))


# ---------------------------------------------------------------- the three kinds
def test_equivocation_accuses_everybody_who_signed_both() -> None:
    chain = honest()
    other = chain.forked(14, body="other", signers="abc")
    fork = fork_of(chain, other)
    assert (fork.attack, fork.ours.header.height) == (Attack.EQUIVOCATION, 14)
    assert fork.common == chain.at(13)
    for evidence in (fork.against_ours(), fork.against_theirs()):
        assert {accused(one) for one in evidence} == keys("abc")
        for one in evidence:
            assert isinstance(one, Equivocation)
            verify_equivocation(CHAIN, one, ValidatorSet(chain.at(14).validators))


def test_of_disjoint_majorities_only_the_overlap_has_equivocated() -> None:
    chain = Chain([FOUR] * 3)
    one = light_block(2, FOUR, FOUR, body="one", signers="abc")
    two = light_block(2, FOUR, FOUR, body="two", signers="bcd")
    found = attribute(one, two.header, two.commit)
    assert {accused(piece) for piece in found} == keys("bc")
    assert chain.at(1).header.height == 1


def test_a_lunatic_header_accuses_every_signer() -> None:
    chain = honest()
    false = chain.forked(14, state="made up", signers="abc", round_=3)
    fork = fork_of(chain, false)
    assert (fork.attack, fork.theirs.header.height) == (Attack.LUNATIC, 14)
    evidence = fork.against_theirs()
    assert {accused(one) for one in evidence} == keys("abc")
    for one in evidence:
        assert isinstance(one, ForgedHeader)
        assert one.precommit.block_id == block_id(one.header)
        assert forged(one.header, chain.at(14).header)


def test_a_lunatic_header_with_made_up_validators_accuses_those_who_are_somebody() -> None:
    """The published attack: a third of the trusted power names validators of its own."""
    chain = honest()
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    false = {"a": 10, "b": 10, "x": 1, "y": 1}
    nodes.blocks["node"][18] = light_block(18, false, false)
    light = LightClient(TrustedStore([chain.at(1)]), "node", ("witness",), HOW)
    with pytest.raises(ForkFound) as found:
        drive(light.to_height(18, chain.now_ms), nodes)
    fork = found.value.fork
    assert fork.attack is Attack.LUNATIC
    assert {accused(one) for one in fork.against_ours()} == keys("ab")


def test_amnesia_is_reported_and_accuses_nobody() -> None:
    chain = honest()
    other = chain.forked(9, body="other", signers="abc", round_=1)
    fork = fork_of(chain, other)
    assert (fork.attack, fork.ours.header.height) == (Attack.AMNESIA, 9)
    assert fork.against_ours() == fork.against_theirs() == ()
    assert {fork.ours.commit.round, fork.theirs.commit.round} == {0, 1}


# ---------------------------------------------------------------- where they part
@pytest.mark.parametrize("height", range(2, 17))
def test_the_first_height_that_differs_is_found(height: int) -> None:
    chain = honest(16)
    fork = fork_of(chain, chain.forked(height, body="other"))
    assert fork.ours.header.height == fork.theirs.header.height == height
    assert fork.common == chain.at(height - 1)
    assert fork.attack is Attack.EQUIVOCATION


def test_nobody_who_only_followed_the_other_branch_is_accused() -> None:
    """Above the fork, `d` signs the branch that it knows: its headers differ in derived fields."""
    chain = honest()
    other = chain.forked(10, body="other", signers="abc")
    fork = fork_of(chain, other)
    assert keys("d").isdisjoint({accused(one) for one in fork.against_theirs()})


def test_a_fork_is_found_while_validators_change() -> None:
    sets = [dict.fromkeys("abcdefgh"[n // 4 : n // 4 + 4], 1) for n in range(18)]
    chain = Chain(sets)
    fork = fork_of(chain, chain.forked(11, body="other"))
    assert fork.ours.header.height == 11
    assert fork.attack is Attack.EQUIVOCATION


def test_a_header_above_the_chain_is_an_attack_if_time_has_passed_there() -> None:
    """Forward lunatic: no correct node has the height, but a later block of a lower one."""
    chain = honest(10)
    nodes = Nodes(chain.now_ms, node=chain, witness=chain)
    time_ms = chain.at(9).header.time_ms + 1
    nodes.blocks["node"][500] = light_block(500, FOUR, FOUR, time_ms=time_ms, signers="abc")
    light = LightClient(TrustedStore([chain.at(1)]), "node", ("witness",), HOW)
    with pytest.raises(ForkFound) as found:
        drive(light.to_height(500, chain.now_ms), nodes)
    fork = found.value.fork
    assert (fork.attack, fork.theirs.header.height) == (Attack.LUNATIC, 10)
    assert {accused(one) for one in fork.against_ours()} == keys("abc")
    assert fork.against_theirs() == ()


def test_a_witness_on_a_chain_of_its_own_is_no_fork() -> None:
    chain = honest(10)
    stranger = Chain([dict.fromkeys("wxyz", 1)] * 11)
    nodes = Nodes(chain.now_ms, node=chain, witness=stranger)
    light = LightClient(TrustedStore([chain.at(1)]), "node", ("witness",), HOW)
    with pytest.raises(NoProvider):
        drive(light.to_height(LATEST, chain.now_ms), nodes)
    assert [one.node for one in light.dismissed] == ["witness"]


# ---------------------------------------------------------------- one piece for each
def test_who_signed_both_in_one_round_is_accused_of_that_alone() -> None:
    """The two votes convict without the chain; of a forged header the rest is accused."""
    canonical = light_block(5, FOUR, FOUR, signers="abc")
    false = light_block(5, FOUR, FOUR, state="made up", signers="bcd")
    found = attribute(false, canonical.header, canonical.commit)
    kinds = {accused(one): type(one) for one in found}
    assert len(found) == len(kinds) == 3
    assert kinds[key_of("d").public] is ForgedHeader
    for name in "bc":
        assert kinds[key_of(name).public] is Equivocation
    for one in found:
        if isinstance(one, Equivocation):
            assert contradict(one.first, one.second)


@pytest.mark.parametrize(
    "field",
    [
        "last_block_id",
        "validators_hash",
        "next_validators_hash",
        "rotation_hash",
        "state_root",
        "receipts_root",
        "results_root",
    ],
)
def test_every_derived_field_gives_a_forger_away(field: str) -> None:
    good = light_block(5, FOUR, FOUR)
    header = msgspec.structs.replace(good.header, **{field: bytes(range(32))})
    false = LightBlock(header, commit(header, "abc", 1), good.validators, good.next_validators)
    found = attribute(false, good.header, good.commit)
    assert {accused(one) for one in found} == keys("abc")
    assert all(one.precommit.kind is VoteKind.PRECOMMIT for one in found)  # type: ignore[union-attr]


@pytest.mark.parametrize("field", ["transactions_root", "seed_link", "proposer", "evidence_root"])
def test_what_a_proposer_chooses_gives_nobody_away(field: str) -> None:
    good = light_block(5, FOUR, FOUR)
    header = msgspec.structs.replace(good.header, **{field: bytes(range(32))})
    other = LightBlock(header, commit(header, "abc", 1), good.validators, good.next_validators)
    assert attribute(other, good.header, good.commit) == ()
