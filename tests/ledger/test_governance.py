"""Proposals, votes, and what they change: members, keys, validators, the rulebook."""

import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.actions import ApplyMembership, CastVote, MemberKey, Propose, RotateKey, StandDown
from ledger.events import PowerChanged, ProposalDecided, ProposalEnacted
from ledger.genesis import Genesis
from ledger.transactions import Transaction
from node.founding import Identity
from tests.ledger.world import World, with_rulebook
from wire import ids
from wire.ids import Lei
from wire.signing import SigningKey

SEED = b"\x07" * 32
WINDOW = 20

ROLES = [role for role in o.KeyRole if role != o.KeyRole.BOOTSTRAP]
VOTE = o.Basis(o.Clause.VOTE, 1)
"""What a vote under the first rulebook rests on."""


def _quick(genesis: Genesis) -> Genesis:
    """Votes close after WINDOW blocks, and take effect one block later."""
    rules = [
        msgspec.structs.replace(rule, window_blocks=WINDOW) for rule in genesis.rulebook.voting
    ]
    book = msgspec.structs.replace(genesis.rulebook, voting=tuple(rules))
    return msgspec.structs.replace(genesis, rulebook=book)


def _world(members: int = 4) -> World:
    return World(members=members, change=_quick)


def _propose(world: World, who: Identity, body: o.ProposalBody, reason: str = "") -> Transaction:
    return world.sign(Propose(who.lei, body, reason), who.key("governance"))


def _vote(world: World, who: Identity, number: int, in_favour: bool = True) -> Transaction:
    return world.sign(CastVote(who.lei, number, in_favour), who.key("governance"))


def _carry(world: World, body: o.ProposalBody) -> None:
    """Propose and adopt by all who may vote, and let it take effect."""
    number = world.network.proposals + 1
    world.must(_propose(world, world.members[0], body))
    for who in world.members:
        world.apply(_vote(world, who, number))
    world.apply()
    row = _proposal(world, number)
    assert row.state == o.ProposalState.ENACTED, row


def _proposal(world: World, number: int) -> o.Proposal:
    return world.state.must(t.PROPOSALS, t.PROPOSALS.key(number))


def _member(world: World, lei: Lei) -> o.Member:
    return world.state.must(t.MEMBERS, t.MEMBERS.key(lei))


def _power(world: World) -> dict[Lei, int]:
    keys = world.state.indexed(t.MEMBERS, o.Role.VALIDATOR)
    return {row.lei: row.power for row in (world.state.must(t.MEMBERS, key) for key in keys)}


class Applicant:
    """A bank that is not a member yet."""

    def __init__(self, number: int = 1) -> None:
        self.lei = ids.lei_from(f"APPLICANT{number:09d}")
        self.secrets = {role: SigningKey(bytes([number, role]) * 16) for role in ROLES}

    def action(self, *without: o.KeyRole) -> ApplyMembership:
        keys = tuple(
            MemberKey(key.public, role) for role, key in self.secrets.items() if role not in without
        )
        seed = b"" if o.KeyRole.CONSENSUS in without else SEED
        return ApplyMembership(self.lei, "Applicant", self.lei, (o.Role.MEMBER,), keys, seed, 0)

    def apply(self, world: World) -> Transaction:
        return world.sign(self.action(), *self.secrets.values())


# -------------------------------------------------------------------- voting
def test_a_proposal_is_adopted_as_soon_as_no_further_vote_could_stop_it() -> None:
    world = _world()
    a, b, c, _ = world.members
    body = o.SetPower(world.members[3].lei, 5)
    world.must(_propose(world, a, body))
    assert _proposal(world, 1).due == world.height + WINDOW
    world.must(_vote(world, a, 1))
    world.must(_vote(world, b, 1))
    assert _proposal(world, 1).state == o.ProposalState.OPEN
    applied = world.must(_vote(world, c, 1))
    decided = ProposalDecided(1, o.ProposalState.ADOPTED, 3, 0, 3, world.height + 1, VOTE)
    assert decided in applied.events
    applied = world.apply()
    assert ProposalEnacted(1, "OK", "", VOTE) in applied.events
    assert PowerChanged(world.members[3].lei, 5, world.height + 2, VOTE) in applied.events
    assert _power(world)[world.members[3].lei] == 5


def test_an_open_proposal_is_counted_when_its_window_closes() -> None:
    world = _world(7)
    a, b, c, d = world.members[:4]
    world.must(_propose(world, a, o.SetPower(world.members[6].lei, 2)))
    world.must(*[_vote(world, who, 1) for who in (a, b, c)], _vote(world, d, 1, False))
    while _proposal(world, 1).state == o.ProposalState.OPEN:
        world.apply()
    row = _proposal(world, 1)
    assert (row.state, row.in_favour, row.against, row.entitled) == (
        o.ProposalState.ADOPTED, 3, 1, 6,
    )  # fmt: skip
    assert world.height == row.opened + WINDOW


def test_too_few_votes_or_too_few_in_favour_reject_it() -> None:
    world = _world(7)
    a, b, c, d = world.members[:4]
    for number in (1, 2):
        world.must(_propose(world, a, o.SetPower(world.members[6].lei, 1 + number)))
    world.must(_vote(world, a, 1), _vote(world, b, 1))  # 2 of 6 voted: no quorum
    world.must(*[_vote(world, who, 2) for who in (a, b)])
    world.must(*[_vote(world, who, 2, False) for who in (c, d)])  # half is not two thirds
    for _ in range(WINDOW):
        world.apply()
    assert {_proposal(world, n).state for n in (1, 2)} == {o.ProposalState.REJECTED}
    assert world.codes(_vote(world, a, 1)) == ["PROPOSAL_CLOSED"]
    assert world.codes(_vote(world, a, 3)) == ["PROPOSAL_UNKNOWN"]


def test_a_vote_can_be_changed_and_the_last_one_counts() -> None:
    world = _world()
    a, b, c, _ = world.members
    world.must(_propose(world, a, o.SetPower(world.members[3].lei, 5)))
    world.must(_vote(world, a, 1, False), _vote(world, b, 1))
    world.must(_vote(world, a, 1), _vote(world, c, 1))
    assert _proposal(world, 1).state == o.ProposalState.ADOPTED


def test_whom_a_proposal_is_about_and_its_group_have_no_vote() -> None:
    def one_group(genesis: Genesis) -> Genesis:
        first = genesis.members[0].lei
        members = [
            msgspec.structs.replace(row, group=first) if n == 1 else row
            for n, row in enumerate(genesis.members)
        ]
        return _quick(msgspec.structs.replace(genesis, members=tuple(members)))

    world = World(members=4, change=one_group)
    a, b, c, d = world.members
    world.must(_propose(world, b, o.SuspendMember(a.lei)))
    assert world.codes(_vote(world, a, 1), _vote(world, b, 1)) == ["VOTE_NOT_ENTITLED"] * 2
    world.must(_vote(world, c, 1), _vote(world, d, 1))
    world.apply()
    assert _member(world, a.lei).state == o.MemberState.SUSPENDED
    assert world.observer.lei not in _power(world)


def test_the_votes_of_one_group_count_for_at_most_its_cap() -> None:
    def one_group(genesis: Genesis) -> Genesis:
        first = genesis.members[0].lei
        members = [
            msgspec.structs.replace(row, group=first) if n < 5 else row
            for n, row in enumerate(genesis.members)
        ]
        book = msgspec.structs.replace(genesis.rulebook, group_vote_bps_max=2_500)
        return _quick(msgspec.structs.replace(genesis, members=tuple(members), rulebook=book))

    world = World(members=8, change=one_group)
    group, (f, g, h) = world.members[:5], world.members[5:]
    world.must(_propose(world, f, o.AmendRulebook(_next_rulebook(world))))
    world.must(*[_vote(world, who, 1) for who in group])  # 5 of 8 validators, but one group
    assert _proposal(world, 1).state == o.ProposalState.OPEN
    world.must(*[_vote(world, who, 1, False) for who in (f, g, h)])
    for _ in range(WINDOW):
        world.apply()
    row = _proposal(world, 1)
    assert (row.state, row.in_favour, row.against, row.entitled) == (
        o.ProposalState.REJECTED, 2, 3, 5,
    )  # fmt: skip


def test_a_proposal_that_could_not_be_enacted_is_not_opened() -> None:
    world = _world()
    a, b = world.members[:2]
    wrong: list[tuple[o.ProposalBody, str]] = [
        (o.AdmitMember(b.lei, 1), "MEMBER_WRONG_STATE"),
        (o.AdmitMember(Applicant().lei, 1), "MEMBER_UNKNOWN"),
        (o.SetPower(Applicant().lei, 1), "MEMBER_UNKNOWN"),
        (o.SetPower(world.issuer.lei, 1), "VALIDATOR_NOT_ONE"),
        (o.SetPower(b.lei, -1), "VALIDATOR_SET_INVALID"),
        (o.SetPower(b.lei, 2**60), "VALIDATOR_SET_INVALID"),
        (o.ReinstateMember(b.lei, 1), "MEMBER_WRONG_STATE"),
        (o.RecoverKey(b.lei, o.KeyRole.CONSENSUS, bytes(32)), "MEMBER_APPLICATION_INVALID"),
        (o.RecoverKey(b.lei, o.KeyRole.TRADE, a.key("trade").public), "KEY_TAKEN"),
        (o.RecoverKey(b.lei, o.KeyRole.TRADE, bytes(32)), "MEMBER_APPLICATION_INVALID"),
        (o.AmendRulebook(world.genesis.rulebook), "RULEBOOK_INVALID"),
    ]
    for body, code in wrong:
        assert world.codes(_propose(world, a, body)) == [code], body
    assert world.codes(_propose(world, a, o.SetPower(b.lei, 2), "x" * 500)) == ["TX_TEXT_TOO_LONG"]
    assert world.network.proposals == 0


def test_what_the_ledger_no_longer_allows_at_activation_fails_and_changes_nothing() -> None:
    world = _world()
    a, b, c, d = world.members
    world.must(_propose(world, a, o.SuspendMember(d.lei)), _propose(world, a, o.SetPower(d.lei, 9)))
    world.must(*[_vote(world, who, n) for who in (a, b, c) for n in (1, 2)])
    applied = world.apply()
    codes = [event.code for event in applied.events if isinstance(event, ProposalEnacted)]
    assert codes == ["OK", "MEMBER_NOT_ACTIVE"]
    assert _proposal(world, 2).state == o.ProposalState.FAILED
    assert _power(world) == {a.lei: 1, b.lei: 1, c.lei: 1}


# -------------------------------------------------------------------- the rulebook
def _next_rulebook(world: World) -> o.Rulebook:
    current = world.state.must(t.RULEBOOK, t.rulebook_key())
    return msgspec.structs.replace(current, version=current.version + 1, minimum_transfer_amount=77)


def test_an_amended_rulebook_is_in_force_from_its_activation() -> None:
    world = _world()
    _carry(world, o.AmendRulebook(_next_rulebook(world)))
    now = world.state.must(t.RULEBOOK, t.rulebook_key())
    assert (now.version, now.minimum_transfer_amount) == (2, 77)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3}, {"oracle_quorum": 2}, {"rounding_unit": 0}, {"evidence_age_blocks": 0},
        {"group_vote_bps_max": 0}, {"voting": ()}, {"service": "OTHER"}, {"currency": "EUR"},
        {"minimum_transfer_amount": -1}, {"funding_window_blocks": 0}, {"evidence_age_ms": -1},
    ],
    ids=str,
)  # fmt: skip
def test_a_rulebook_out_of_range_cannot_be_proposed(changes: dict[str, object]) -> None:
    world = _world()
    wrong = msgspec.structs.replace(_next_rulebook(world), **changes)
    assert world.codes(_propose(world, world.members[0], o.AmendRulebook(wrong))) == [
        "RULEBOOK_INVALID"
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"quorum_bps": -1}, {"threshold_bps": 4_999}, {"threshold_bps": 10_000},
        {"window_blocks": 0}, {"notice_blocks": 0},
    ],
    ids=str,
)  # fmt: skip
def test_a_voting_rule_by_which_a_minority_decides_cannot_be_proposed(
    changes: dict[str, int],
) -> None:
    world = _world()
    good = _next_rulebook(world)
    rules = (msgspec.structs.replace(good.voting[0], **changes), *good.voting[1:])
    wrong = msgspec.structs.replace(good, voting=rules)
    assert world.codes(_propose(world, world.members[0], o.AmendRulebook(wrong))) == [
        "RULEBOOK_INVALID"
    ]


def test_a_vote_under_way_keeps_the_rule_it_was_opened_by() -> None:
    world = _world()
    a, b, c, d = world.members
    world.must(_propose(world, a, o.SetPower(d.lei, 3)))
    stricter = _next_rulebook(world)
    rules = tuple(msgspec.structs.replace(x, threshold_bps=9_999) for x in stricter.voting)
    _carry(world, o.AmendRulebook(msgspec.structs.replace(stricter, voting=rules)))
    world.must(*[_vote(world, who, 1) for who in (a, b, c)])
    world.apply()
    assert _proposal(world, 1).rulebook_version == 1
    assert _power(world)[d.lei] == 3


# -------------------------------------------------------------------- members and keys
def test_an_applicant_is_admitted_by_vote_and_validates_two_heights_later() -> None:
    world, new = _world(), Applicant()
    world.must(new.apply(world))
    row = _member(world, new.lei)
    assert (row.state, row.power) == (o.MemberState.APPLIED, 0)
    assert world.codes(world.sign(StandDown(new.lei), new.secrets[o.KeyRole.GOVERNANCE])) == [
        "MEMBER_NOT_ACTIVE"
    ]
    _carry(world, o.AdmitMember(new.lei, 2))
    row = _member(world, new.lei)
    assert (row.state, row.power) == (o.MemberState.ACTIVE, 2)
    assert o.Role.VALIDATOR in row.roles
    key = new.secrets[o.KeyRole.CONSENSUS].public
    span = world.state.must(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(key))
    enacted = _proposal(world, 1).opened
    assert span.member == new.lei
    assert span.since > enacted + 2
    assert span.until == 0


def test_an_application_must_be_signed_by_every_key_it_brings() -> None:
    world, new = _world(), Applicant()
    for role in new.secrets:
        others = [key for other, key in new.secrets.items() if other != role]
        with pytest.raises(Exception, match="of the new key") as refused:
            world.check(world.sign(new.action(), *others))
        assert getattr(refused.value, "code", "") == "TX_SIGNATURE_MISSING"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"seed_link": b""}, "MEMBER_APPLICATION_INVALID"),
        ({"roles": ()}, "MEMBER_APPLICATION_INVALID"),
        ({"roles": (o.Role.VALIDATOR,)}, "MEMBER_APPLICATION_INVALID"),
        ({"roles": (o.Role.ORACLE, o.Role.MEMBER)}, "MEMBER_APPLICATION_INVALID"),
        ({"name": "x" * 200}, "TX_TEXT_TOO_LONG"),
        ({"group": "NOBODY"}, "WIRE_BAD_IDENTIFIER"),
        ({"lei": "NOBODY"}, "WIRE_BAD_IDENTIFIER"),
    ],
)
def test_an_application_that_contradicts_itself_is_refused(
    changes: dict[str, object], code: str
) -> None:
    world, new = _world(), Applicant()
    action = msgspec.structs.replace(new.action(), **changes)
    assert world.codes(world.sign(action, *new.secrets.values())) == [code]


def test_nobody_applies_twice_or_with_somebody_elses_key() -> None:
    world, new, other = _world(), Applicant(1), Applicant(2)
    world.must(new.apply(world))
    assert world.codes(new.apply(world)) == ["MEMBER_EXISTS"]
    other.secrets[o.KeyRole.TRADE] = new.secrets[o.KeyRole.TRADE]
    assert world.codes(other.apply(world)) == ["KEY_TAKEN"]
    without = other.action(o.KeyRole.GOVERNANCE)
    keys = [key for role, key in other.secrets.items() if role != o.KeyRole.GOVERNANCE]
    assert world.codes(world.sign(without, *keys)) == ["MEMBER_APPLICATION_INVALID"]


def _rotate(
    world: World, who: Identity, role: o.KeyRole, old: bytes, new: SigningKey, seed: bytes = b""
) -> Transaction:
    action = RotateKey(who.lei, role, old, new.public, seed)
    return world.sign(action, who.key("governance"), new)


def test_a_rotated_key_signs_nothing_more_and_is_never_anybodys_again() -> None:
    world = _world()
    a, b = world.members[:2]
    world.must(world.mint(a, 100))
    new = SigningKey(b"\x01" * 32)
    late = world.transfer(a, b, 1)
    world.must(_rotate(world, a, o.KeyRole.TREASURY, a.key("treasury").public, new))
    with pytest.raises(Exception, match="key") as refused:
        world.check(late)
    assert getattr(refused.value, "code", "") == "TX_UNKNOWN_KEY"
    again = _rotate(world, b, o.KeyRole.TREASURY, b.key("treasury").public, a.key("treasury"))
    assert world.codes(again) == ["KEY_TAKEN"]


def test_a_key_is_only_rotated_by_its_owner_in_its_role_and_with_the_new_keys_signature() -> None:
    world = _world()
    a, b = world.members[:2]
    new = SigningKey(b"\x01" * 32)
    for role, old, code in (
        (o.KeyRole.TRADE, b.key("trade").public, "KEY_NOT_YOURS"),
        (o.KeyRole.TRADE, a.key("treasury").public, "KEY_NOT_YOURS"),
        (o.KeyRole.TRADE, b"", "KEY_NOT_YOURS"),
        (o.KeyRole.CONSENSUS, a.key("consensus").public, "MEMBER_APPLICATION_INVALID"),
    ):
        assert world.codes(_rotate(world, a, role, old, new)) == [code]
    action = RotateKey(a.lei, o.KeyRole.TRADE, a.key("trade").public, new.public, b"")
    with pytest.raises(Exception, match="of the new key"):
        world.check(world.sign(action, a.key("governance")))


def test_a_validators_rotated_key_votes_two_heights_later_and_the_old_one_until_then() -> None:
    world = _world()
    b = world.members[1]
    old, new = b.key("consensus").public, SigningKey(b"\x02" * 32)
    world.must(_rotate(world, b, o.KeyRole.CONSENSUS, old, new, SEED))
    height = world.height
    spans = [world.state.must(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(k)) for k in (old, new.public)]
    assert spans == [
        o.ConsensusKey(b.lei, 1, height + 2), o.ConsensusKey(b.lei, height + 2, 0),
    ]  # fmt: skip
    assert _member(world, b.lei).consensus_key == new.public
    assert world.state.must(t.SEEDS, t.SEEDS.key(new.public)).link == SEED


def test_a_peer_key_is_rotated_with_the_members_row() -> None:
    world = _world()
    a, new = world.members[0], SigningKey(b"\x03" * 32)
    world.must(_rotate(world, a, o.KeyRole.PEER, a.key("peer").public, new))
    assert _member(world, a.lei).peer_key == new.public


def test_a_lost_governance_key_is_recovered_by_vote() -> None:
    world = _world()
    b, new = world.members[1], SigningKey(b"\x04" * 32)
    _carry(world, o.RecoverKey(b.lei, o.KeyRole.GOVERNANCE, new.public))
    stand_down = StandDown(b.lei)
    with pytest.raises(Exception, match="key"):
        world.check(world.sign(stand_down, b.key("governance")))
    world.must(world.sign(stand_down, new))


# -------------------------------------------------------------------- leaving
def test_a_validator_stands_down_and_stays_a_member() -> None:
    world = _world()
    b = world.members[1]
    applied = world.must(world.sign(StandDown(b.lei), b.key("governance")))
    because = o.Basis(o.Clause.RESIGNATION, 1)
    assert PowerChanged(b.lei, 0, world.height + 2, because) in applied.events
    row = _member(world, b.lei)
    assert (row.state, row.power, row.roles) == (o.MemberState.ACTIVE, 0, (o.Role.MEMBER,))
    assert world.codes(world.sign(StandDown(b.lei), b.key("governance"))) == ["VALIDATOR_NOT_ONE"]
    world.must(world.trade(world.members[0], b, 1, 1_000))


def test_the_last_validator_cannot_leave() -> None:
    world = World(members=1)
    a = world.members[0]
    assert world.codes(world.sign(StandDown(a.lei), a.key("governance"))) == [
        "VALIDATOR_SET_INVALID"
    ]


def test_a_suspended_member_acts_no_more_until_it_is_reinstated() -> None:
    world = _world()
    a, b = world.members[:2]
    _carry(world, o.SuspendMember(b.lei))
    assert world.codes(world.transfer(b, a, 1)) == ["MEMBER_NOT_ACTIVE"]
    assert _power(world).get(b.lei) is None
    _carry(world, o.ReinstateMember(b.lei, 4))
    assert _power(world)[b.lei] == 4
    assert world.codes(world.transfer(b, a, 1)) == ["CASH_INSUFFICIENT"]


def test_members_may_be_the_electorate_with_one_vote_each() -> None:
    def by_members(genesis: Genesis) -> Genesis:
        rules = [
            msgspec.structs.replace(rule, electorate=o.Electorate.MEMBERS)
            for rule in genesis.rulebook.voting
        ]
        return with_rulebook()(
            msgspec.structs.replace(
                genesis, rulebook=msgspec.structs.replace(genesis.rulebook, voting=tuple(rules))
            )
        )

    world = World(members=4, change=by_members)
    b = world.members[1]
    world.must(world.sign(StandDown(b.lei), b.key("governance")))  # no power, but a vote
    _carry(world, o.SetPower(world.members[2].lei, 3))
    assert _proposal(world, 1).entitled == 3
