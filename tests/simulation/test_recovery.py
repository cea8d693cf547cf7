"""A quorum lost for good: the members sign a recovery, the survivors go on, everybody can check."""

import msgspec
import pytest

from consensus.messages import VoteKind
from ledger import objects as o
from ledger.actions import Mint, Transfer
from ledger.recovery import verified
from ledger.state import Draft
from ledger.transactions import signed, unsigned
from ledger.validators import Accusation, fault_of
from node.blocks import block_id
from node.core.chain import Tip
from node.core.errors import RecoveryUnfit
from node.core.outbox import Outbox
from node.core.recovering import Recoveries
from node.core.trust import Trust
from node.founding import CURRENCY
from node.light.root import GenesisRoot
from node.light.verify import Answer, Options, trusted, verify
from simulator.node import Death
from tests.simulation.recovered import Stricken
from wire.errors import Rejection


@pytest.fixture
def stricken() -> Stricken:
    made = Stricken(7, 3)
    made.strike()
    return made


def heights(made: Stricken, names: list[str]) -> list[int]:
    return [made.network.nodes[name].core.tip.height for name in names]


def test_survivors_of_a_lost_quorum_decide_again_and_accepted_transactions_survive() -> None:
    made = Stricken(7, 3)
    made.strike()
    height, first_round = made.tip.height, made.round()
    recovery = made.signed(made.draft(), range(5))
    made.recover(made.survivors, recovery)
    issuer = made.founded.issuer
    tx = unsigned("sim-test", Mint(CURRENCY, issuer.lei, 5, "R"), nonce=1, valid_until=height + 90)
    made.network.submit(made.survivors[0], signed(tx, issuer.key("treasury")))
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 6, 60_000)
    blocks = made.network.nodes[made.survivors[0]].disk.blocks
    turned = blocks[height]
    assert turned.block.recovery is not None
    assert turned.block.recovery.recovery == recovery.recovery
    assert turned.commit.round >= first_round
    assert all(b.block.recovery is None for b in blocks if b is not turned)
    assert all(b.commit.round < 3 for b in blocks[height + 1 :])
    assert any(b.block.transactions for b in blocks[height:])
    tip = made.network.nodes[made.survivors[0]].core.tip
    assert len(tip.validators) == len(tip.next_validators) == 4
    assert made.violations() == []
    assert made.network.faults == []
    assert made.network.journal.accusations == []


def test_a_new_node_with_the_file_syncs_through_and_one_without_says_what_it_needs(
    stricken: Stricken,
) -> None:
    made = stricken
    height = made.tip.height
    recovery = made.signed(made.draft(), range(2, 7))
    made.recover(made.survivors, recovery)
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 5, 60_000)
    made.network.start([made.observer])
    made.network.run(lambda: False, 10_000)
    node = made.network.nodes[made.observer]
    assert node.core.tip.height == height
    assert node.core.deciding.recoveries.blocks(node.core.tip)
    assert made.network.counts["recovery_needed"] == 1
    assert made.network.faults == []
    made.network.crash(made.observer)
    made.recover([made.observer], recovery)
    assert made.network.run(lambda: node.core.tip.height >= height + 5, 30_000)
    assert made.violations() == []
    assert made.network.faults == []


def test_a_survivor_without_the_file_waits_among_those_who_have_it(stricken: Stricken) -> None:
    """It runs on with the old validators at the same height: nobody is at fault."""
    made = stricken
    height = made.tip.height
    recovery = made.signed(made.draft(), range(5))
    late, rest = made.survivors[0], made.survivors[1:]
    made.network.start([late])
    made.recover(rest, recovery)
    assert made.network.run(lambda: min(heights(made, rest)) >= height + 3, 60_000)
    assert heights(made, [late]) == [height]
    waiting = made.network.nodes[late].core
    assert waiting.deciding.recoveries.blocks(waiting.tip)
    assert made.network.faults == []
    made.network.crash(late)
    made.recover([late], recovery)
    assert made.network.run(lambda: heights(made, [late])[0] >= height + 5, 30_000)
    key = made.network.nodes[late].key.public
    assert made.network.run(
        lambda: any(
            entry.validator == key
            for entry in made.network.nodes[rest[0]].disk.blocks[-1].commit.signatures
        ),
        30_000,
    )
    assert made.network.faults == []


def test_survivors_that_crash_within_the_recovery_go_on_from_their_logs(stricken: Stricken) -> None:
    made = stricken
    height = made.tip.height
    recovery = made.signed(made.draft(), range(5))
    made.recover(made.survivors, recovery)
    for number, name in enumerate(made.survivors):
        made.network.nodes[name].death = Death(4 + 5 * number)
    made.network.run(lambda: False, 3_000)
    for name in made.survivors:
        if not made.network.nodes[name].up:
            made.network.crash(name)
    down = [name for name in made.survivors if not made.network.nodes[name].up]
    assert down
    made.network.start(down)
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 3, 60_000)
    assert made.violations() == []
    assert made.network.journal.accusations == []


def test_a_home_whose_chain_is_another_one_does_not_start(stricken: Stricken) -> None:
    made = stricken
    draft = made.draft()
    forked = msgspec.structs.replace(draft, block_id=bytes(32))
    with pytest.raises(RecoveryUnfit):
        made.recover(made.survivors, made.signed(forked, range(5)))


def test_too_few_signatures_do_not_start_a_recovery(stricken: Stricken) -> None:
    with pytest.raises(RecoveryUnfit, match="4 of 7"):
        stricken.recover(stricken.survivors, stricken.signed(stricken.draft(), range(4)))


def test_two_recoveries_of_one_height_are_not_chosen_between(stricken: Stricken) -> None:
    made = stricken
    one = made.draft()
    other = msgspec.structs.replace(one, round=one.round + 1)
    name = made.survivors[0]
    made.network.nodes[name].agree(made.signed(one, range(5)))
    with pytest.raises(RecoveryUnfit, match="two"):
        made.recover([name], made.signed(other, range(5)))


def test_copies_with_other_signatures_are_the_same_recovery(stricken: Stricken) -> None:
    made = stricken
    draft, height = made.draft(), made.tip.height
    for number, name in enumerate(made.survivors):
        signers = range(5) if number % 2 else range(2, 7)
        made.network.nodes[name].agree(made.signed(draft, signers))
    made.network.start(made.survivors)
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 3, 60_000)


def test_a_light_client_does_not_cross_a_recovery_step_by_step(stricken: Stricken) -> None:
    made = stricken
    height = made.tip.height
    made.recover(made.survivors, made.signed(made.draft(), range(5)))
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 3, 60_000)
    node = made.network.nodes[made.survivors[0]]
    before, turned, after = (node._light(h) for h in (height, height + 1, height + 2))
    assert before is not None and turned is not None and after is not None  # noqa: PT018
    now = after.header.time_ms + 1_000
    how = Options()
    assert verify(trusted(before), turned, now, how).answer is Answer.INVALID
    assert verify(trusted(turned), after, now, how).answer is Answer.SUCCESS


def test_a_second_disaster_is_recovered_from_as_well() -> None:
    made = Stricken(7, 3)
    made.strike()
    first = made.signed(made.draft(), range(5))
    height = made.tip.height
    made.recover(made.survivors, first)
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 4, 60_000)
    made.lost, made.survivors = made.survivors[:2], made.survivors[2:]
    for name in (*made.lost, *made.survivors):
        made.network.crash(name)
    second = made.signed(made.draft(), range(2, 7))
    again = made.tip.height
    made.recover(made.survivors, second)
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= again + 3, 60_000)
    made.recover([made.observer], first)
    made.network.crash(made.observer)
    made.recover([made.observer], second)
    observer = made.network.nodes[made.observer]
    assert made.network.run(lambda: observer.core.tip.height >= again + 3, 60_000)
    blocks = observer.disk.blocks
    assert [b.block.header.height for b in blocks if b.block.recovery] == [height + 1, again + 1]
    assert made.violations() == []


def test_what_was_signed_before_the_recovery_is_no_evidence_after_it(stricken: Stricken) -> None:
    """A survivor may have precommitted a block of the old validators: that header differs."""
    made = stricken
    made.recover(made.survivors, made.signed(made.draft(), range(5)))
    height = made.tip.height
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 3, 60_000)
    decided = made.network.nodes[made.survivors[0]].disk.blocks[height]
    assert decided.commit.kind is VoteKind.PRECOMMIT
    assert block_id(decided.block.header) == decided.commit.block_id
    key = decided.commit.signatures[0].validator
    draft = Draft(made.network.nodes[made.survivors[0]].core.tip.state)
    kind = o.OffenceKind.FORGED_HEADER
    old = Accusation(kind, key, height + 1, decided.commit.round - 10, bytes(32))
    assert "recovery" in str(fault_of(draft, old))
    new = Accusation(kind, key, height + 1, decided.commit.round, bytes(32))
    assert fault_of(draft, new) is None


def test_a_transaction_of_the_lost_members_is_still_accepted(stricken: Stricken) -> None:
    """They are members as before: only their votes are gone."""
    made = stricken
    made.recover(made.survivors, made.signed(made.draft(), range(5)))
    height = made.tip.height
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 2, 60_000)
    lost = made.founded.members[0]
    pay = Transfer(CURRENCY, lost.lei, made.founded.members[4].lei, 1, "")
    tx = unsigned("sim-test", pay, nonce=7, valid_until=height + 50)
    with pytest.raises(Rejection, match="has 0"):
        made.network.submit(made.survivors[0], signed(tx, lost.key("treasury")))


def test_a_joining_node_is_led_across_by_the_file_and_by_nothing_else() -> None:
    """Two of seven are left: no skip of the light client reaches over the recovery."""
    made = Stricken(7, 5)
    made.strike()
    height = made.tip.height
    file = made.signed(made.draft(), range(5))
    made.recover(made.survivors, file)
    assert made.network.run(lambda: min(heights(made, made.survivors)) >= height + 3, 60_000)
    node = made.network.nodes[made.survivors[0]]
    first, turned, after = (node._light(h) for h in (1, height + 1, height + 3))
    assert first is not None
    assert turned is not None
    assert after is not None
    assert height + 1 in node.disk.shelf.trail
    genesis = Tip.at_genesis(made.founded.genesis)
    root = GenesisRoot(
        genesis.chain_id, genesis.block_id, genesis.time_ms, genesis.validators.members
    )
    now = after.header.time_ms + 1_000
    without = Trust(root, Options(), Recoveries((), Outbox()).decided)
    assert without.step(first, now)
    assert not without.step(turned, now)
    agreed = Recoveries((verified(file),), Outbox())
    led = Trust(root, Options(), agreed.decided)
    assert led.step(first, now)
    assert led.step(turned, now)
    assert led.step(after, now)
    other = msgspec.structs.replace(file.recovery, block_id=bytes(32))
    assert not Recoveries((verified(made.signed(other, range(5))),), Outbox()).decided(turned)
