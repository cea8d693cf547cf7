"""The white list: attestations, revocations, cure windows, and money that waits."""

import msgspec
import pytest

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import (
    Allocate,
    Approve,
    AttestKyc,
    CastVote,
    CreateBatch,
    Propose,
    RevokeKyc,
)
from ledger.events import BalanceReleased, StandingChanged
from ledger.genesis import Genesis
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.world import CALENDAR, USD, World
from wire.errors import Rejection
from wire.ids import Date

FILE = bytes(32)
BASIS = o.Basis(o.Clause.WHITE_LIST, 1)


class Listed(World):
    """A world with attestors D, E (of another group) and F (of D's group)."""

    def __init__(self, cure: int = 1, members: int = 3) -> None:
        def change(genesis: Genesis) -> Genesis:
            d, f = [who for who in genesis.members if o.Role.ATTESTOR in who.roles][::2]
            joined = tuple(
                msgspec.structs.replace(who, group=d.lei) if who.lei == f.lei else who
                for who in genesis.members
            )
            rules = msgspec.structs.replace(genesis.rulebook.membership, kyc_cure_dates=cure)
            rulebook = msgspec.structs.replace(genesis.rulebook, membership=rules)
            return msgspec.structs.replace(genesis, members=joined, rulebook=rulebook)

        super().__init__(members=members, maturity=CALENDAR[4], change=change)
        self.d, self.e, self.f = self.attestors

    def attest(self, by: Identity, of: Identity, expires: int) -> Transaction:
        action = AttestKyc(by.lei, of.lei, FILE, Date(expires))
        return self.sign(action, by.key("governance"))

    def revoke(self, by: Identity, of: Identity) -> Transaction:
        return self.sign(RevokeKyc(by.lei, of.lei, FILE), by.key("governance"))

    def standing(self, who: Identity) -> o.Standing:
        kyc = self.state.must(t.MEMBERS, t.MEMBERS.key(who.lei)).kyc
        return o.Standing.LISTED if kyc is None else o.Standing(kyc.standing)

    def blocked(self, who: Identity) -> int:
        row = self.state.get(t.BALANCES, t.blocked_account(who.lei, USD))
        return 0 if row is None else row.balance

    def block(self, who: Identity) -> None:
        self.must(self.revoke(self.observer, who))
        assert self.standing(who) == o.Standing.BLOCKED


def test_it_takes_two_attestors_of_two_groups_or_the_authority() -> None:
    world = Listed()
    a, b, _ = world.members
    world.must(world.revoke(world.d, a), world.revoke(world.f, a))
    assert world.standing(a) == o.Standing.LISTED
    applied = world.must(world.revoke(world.e, a))
    assert StandingChanged(a.lei, o.Standing.BLOCKED, BASIS) in applied.events
    world.block(b)


def test_an_attestor_does_not_speak_of_its_own_group_nor_twice_nor_of_strangers() -> None:
    world = Listed()
    a, b, _ = world.members
    cases: list[tuple[Transaction, type[Rejection]]] = [
        (world.revoke(world.d, world.f), r.NotAnAttestor),
        (world.attest(world.d, world.d, 20250101), r.NotAnAttestor),
        (world.revoke(a, b), r.NotAnAttestor),
        (world.sign(RevokeKyc(world.d.lei, a.lei, b""), world.d.key("governance")),
         r.BadAttestation),
        (world.sign(RevokeKyc(world.d.lei, USD, FILE), world.d.key("governance")),  # type: ignore[arg-type]
         r.UnknownMember),
        (world.attest(world.observer, a, 20240101), r.BadAttestation),
    ]  # fmt: skip
    for tx, error in cases:
        with pytest.raises(error):
            world.check(tx)
    world.must(world.revoke(world.d, a))
    with pytest.raises(r.BadAttestation, match="already"):
        world.check(world.revoke(world.d, a))


def test_one_attestor_cannot_end_an_attestation_by_shortening_it() -> None:
    world = Listed()
    a, _, _ = world.members
    with pytest.raises(r.BadAttestation, match="for ever"):
        world.check(world.attest(world.d, a, 20240103))
    world.must(world.attest(world.observer, a, 20250101))
    with pytest.raises(r.BadAttestation, match="in force is 20250101"):
        world.check(world.attest(world.d, a, 20241231))
    world.must(world.attest(world.d, a, 20250102), world.attest(world.observer, a, 20240103))


@pytest.mark.parametrize("cure", [0, 1, 2])
def test_an_attestation_expires_with_its_date_and_the_cure_window_runs_in_business_dates(
    cure: int,
) -> None:
    world = Listed(cure)
    a, b, _ = world.members
    world.must(world.mint(a, 10), world.attest(world.observer, a, CALENDAR[1]))
    world.close(CALENDAR[0], AAA=1_000)
    assert world.standing(a) == o.Standing.LISTED
    for date in CALENDAR[1 : 1 + cure]:
        world.close(date, AAA=1_000)
        assert world.standing(a) == o.Standing.CURING
        world.must(world.transfer(a, b, 1))
    world.close(CALENDAR[1 + cure], AAA=1_000)
    assert world.standing(a) == o.Standing.BLOCKED
    assert world.codes(world.transfer(a, b, 1)) == ["MEMBER_NOT_ON_WHITE_LIST"]


def test_renewed_within_the_cure_window_nothing_has_happened() -> None:
    world = Listed(2)
    a, _, _ = world.members
    world.must(world.attest(world.observer, a, CALENDAR[0]))
    world.close(CALENDAR[0], AAA=1_000)
    world.must(world.attest(world.d, a, 20250101))
    for date in CALENDAR[1:4]:
        world.close(date, AAA=1_000)
        assert world.standing(a) == o.Standing.LISTED


def test_every_way_of_being_paid_leads_to_the_blocked_account() -> None:
    world = Listed()
    a, b, c = world.members
    world.must(world.mint(a, 100), world.mint(b, 100), world.trade(a, b, 1, 1_900))
    legs = (o.Leg(a.lei, b.lei, USD, 30), o.Leg(b.lei, a.lei, USD, 7))
    for reference in ("DONE", "CANCELLED"):
        deadline = world.height + 12
        create = CreateBatch(a.lei, reference, legs, CALENDAR[1], deadline, 0, False)
        world.must(world.sign(create, a.key("treasury")))
        world.must(world.sign(Allocate(a.lei, a.lei, reference), a.key("treasury")))
    for who in (b, a):
        if who is b:
            world.must(world.sign(Allocate(b.lei, a.lei, "DONE"), b.key("treasury")))
        world.must(world.sign(Approve(who.lei, a.lei, "DONE"), who.key("treasury")))
    world.block(a)
    assert (world.cash(a), world.blocked(a)) == (40, 0)
    world.must(world.mint(a, 1), world.transfer(b, a, 2))
    assert world.blocked(a) == 3
    world.close(CALENDAR[0], AAA=2_000)  # DONE settles: +7; VM gain of 10 follows in the round
    world.settle()
    for _ in range(8):
        world.apply()  # CANCELLED misses its deadline: 30 come back
    assert (world.cash(a), world.blocked(a)) == (40, 3 + 7 + 30 + 10)
    applied = world.must(world.attest(world.observer, a, 20250101))
    assert BalanceReleased(a.lei, USD, 50) in applied.events
    assert (world.cash(a), world.blocked(a), world.cash(c)) == (90, 0, 0)
    assert world.obligations() == {}


def test_what_a_blocked_member_owes_is_paid_from_blocked_money_too() -> None:
    world = Listed()
    a, b, _ = world.members
    world.must(world.trade(a, b, 1, 1_000), world.mint(a, 5))
    world.block(a)
    world.must(world.mint(a, 6))
    world.close(CALENDAR[0], AAA=900)  # a owes 10
    world.settle()
    assert (world.cash(a), world.blocked(a), world.cash(b)) == (0, 1, 10)
    state = world.state.must(t.MEMBERS, t.MEMBERS.key(a.lei)).state
    assert state == o.MemberState.ACTIVE


def test_attestors_do_not_choose_the_electorate() -> None:
    """A blocked member casts no vote, and its weight stays in the denominator."""
    world = Listed(members=4)
    a, b, c, d = world.members
    world.block(d)
    body = o.SetPower(a.lei, 2)
    world.must(world.sign(Propose(b.lei, body, ""), b.key("governance")))
    vote = world.sign(CastVote(d.lei, 1, True), d.key("governance"))
    with pytest.raises(r.NotOnWhiteList):
        world.check(vote)
    for who in (b, c):
        world.must(world.sign(CastVote(who.lei, 1, True), who.key("governance")))
    proposal = world.state.must(t.PROPOSALS, t.PROPOSALS.key(1))
    assert proposal.state == o.ProposalState.OPEN
    power = world.state.must(t.MEMBERS, t.MEMBERS.key(d.lei)).power
    assert power == 1


def test_whoever_is_in_default_and_its_group_leave_the_denominator() -> None:
    def joined(genesis: Genesis) -> Genesis:
        members = list(genesis.members)
        members[1] = msgspec.structs.replace(members[1], group=members[0].lei)
        return msgspec.structs.replace(genesis, members=tuple(members))

    world = World(members=4, change=joined)
    a, b, c, d = world.members
    key = t.MEMBERS.key(a.lei)
    row = msgspec.structs.replace(world.state.must(t.MEMBERS, key), state=o.MemberState.DEFAULTED)
    world.put({key: row})
    body = o.AmendRulebook(msgspec.structs.replace(world.genesis.rulebook, version=2))
    world.must(world.sign(Propose(c.lei, body, ""), c.key("governance")))
    with pytest.raises(r.NotEntitled):
        world.check(world.sign(CastVote(b.lei, 1, True), b.key("governance")))
    for who in (c, d):
        world.must(world.sign(CastVote(who.lei, 1, True), who.key("governance")))
    proposal = world.state.must(t.PROPOSALS, t.PROPOSALS.key(1))
    assert (proposal.state, proposal.entitled) == (o.ProposalState.ADOPTED, 2)
