"""Decoded transactions with any values in their fields: a rejection, or a change; never a crash.

An exception other than a `Rejection` inside `apply_block` would stop every node at once.
"""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import objects as o
from ledger.actions import (
    Action,
    Allocate,
    ApplyMembership,
    Approve,
    AttestCapital,
    AttestKyc,
    CancelBatch,
    CastVote,
    ContributeFund,
    CreateBatch,
    CureDefault,
    DirectDefault,
    DistributeRecovery,
    Exit,
    FeedMark,
    MemberKey,
    Mint,
    NotifyInsolvency,
    PostCapital,
    Propose,
    RecordRecovery,
    Redeem,
    RegisterTrade,
    ReleaseEstate,
    Resign,
    RevokeKyc,
    RotateKey,
    SetLimit,
    StandDown,
    Stay,
    SubmitOracle,
    SubmitQuote,
    TradeBatch,
    Transfer,
    WithdrawCase,
    WithdrawFund,
    WithdrawResignation,
)
from ledger.apply import apply_block, check_block, check_terms, check_transaction
from ledger.receipts import Receipt
from ledger.rejections import BlockRefused
from ledger.transactions import KeySignature, Transaction, signed, tx_id, unsigned
from tests.ledger.world import CALENDAR, CHAIN, World
from wire.codec import decode, encode
from wire.errors import MalformedBytes, Rejection
from wire.ids import lei_from
from wire.signing import SigningKey

WORLD = World(maturity=CALENDAR[4])
A, B, C = WORLD.members
WORLD.must(WORLD.mint(A, 10**6), WORLD.trade(A, B, 5, 1_000), WORLD.limit(A, C, 10))
EVERYBODY = [*WORLD.members, *WORLD.oracles, WORLD.issuer, WORLD.observer]
KEYS = [
    who.key(purpose)
    for who in EVERYBODY
    for purpose in ("trade", "treasury", "governance", "oracle", "peer")
]
NUMBERS = (
    st.sampled_from([0, 1, -1, 2**47, 2**48 - 1, 2**48, 2**53, 2**61, 2**62 - 1, 2**62, 2**63 - 1])
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(1, 3_000)
)
TEXTS = st.text(max_size=200)
LEIS = st.sampled_from([who.lei for who in EVERYBODY]) | TEXTS
ASSETS = st.sampled_from(["USD", "usd", "", "EUR"]) | TEXTS
FEEDS = st.just("EQ-AAA") | TEXTS
INSTRUMENTS = st.just("FWD-AAA") | TEXTS
DATES = st.sampled_from(CALENDAR) | NUMBERS
UTIS = (
    st.builds(lambda lei, n: f"{lei}{n}", st.sampled_from([A.lei, C.lei]), st.integers(0, 99))
    | TEXTS
)
TRADES = st.builds(
    o.Trade,
    uti=UTIS,
    buyer=LEIS,
    seller=LEIS,
    instrument=INSTRUMENTS,
    quantity=NUMBERS,
    price=NUMBERS,
    trade_date=DATES,
    source=st.sampled_from(o.TradeSource),
    reference=TEXTS,
)
SERVICES = st.just(WORLD.genesis.rulebook.service) | TEXTS
BYTES = st.sampled_from([key.public for key in KEYS[:6]]) | st.binary(max_size=40)
HASHES = st.just(bytes(32)) | st.binary(max_size=40)
RULEBOOKS = st.builds(
    msgspec.structs.replace,
    st.just(WORLD.genesis.rulebook),
    version=st.just(2) | NUMBERS,
    rounding_unit=NUMBERS,
    funding_window_blocks=NUMBERS,
    evidence_age_blocks=NUMBERS,
    evidence_age_ms=NUMBERS,
    group_vote_bps_max=NUMBERS,
    membership=st.builds(
        o.MembershipRules,
        kyc_required=st.booleans(),
        capital_min=NUMBERS,
        contribution_min=NUMBERS,
        kyc_cure_dates=NUMBERS,
        cooling_off_blocks=NUMBERS,
    ),
    voting=st.just(WORLD.genesis.rulebook.voting) | st.just(()),
    default=st.builds(
        msgspec.structs.replace,
        st.just(WORLD.genesis.rulebook.default),
        notice_blocks=NUMBERS,
        porting_window_blocks=NUMBERS,
        close_out_window_blocks=NUMBERS,
        stay_blocks_max=NUMBERS,
        order=st.lists(st.sampled_from(o.Tranche), max_size=4).map(tuple),
        retention_bps=NUMBERS,
        bid_offer=st.lists(
            st.builds(o.BidOffer, product=st.sampled_from(o.Product), bps=NUMBERS), max_size=2
        ).map(tuple),
        conversions=st.lists(st.builds(o.Conversion, asset=ASSETS, feed=FEEDS), max_size=2).map(
            tuple
        ),
        operator=st.none() | LEIS,
        committee=st.lists(LEIS, max_size=3).map(tuple),
        scenarios=st.lists(
            st.builds(
                o.StressScenario,
                name=TEXTS,
                shifts=st.lists(st.builds(o.Shift, feed=FEEDS, bps=NUMBERS), max_size=2).map(tuple),
            ),
            max_size=2,
        ).map(tuple),
        contribution_floor=NUMBERS,
        averaging_days=NUMBERS,
        look_back_blocks=NUMBERS,
        price_band_bps=NUMBERS,
    ),
)
BODIES = st.one_of(
    st.builds(o.AdmitMember, lei=LEIS, power=NUMBERS),
    st.builds(o.SetPower, lei=LEIS, power=NUMBERS),
    st.builds(o.SuspendMember, lei=LEIS),
    st.builds(o.ReinstateMember, lei=LEIS, power=NUMBERS),
    st.builds(o.RecoverKey, lei=LEIS, role=st.sampled_from(o.KeyRole), public_key=BYTES),
    st.builds(o.AmendRulebook, rulebook=RULEBOOKS),
    st.builds(o.NoteDefault, lei=LEIS),
    st.builds(o.WithdrawNotice, lei=LEIS),
)
ACTIONS = st.one_of(
    st.builds(Mint, asset=ASSETS, to=LEIS, amount=NUMBERS, reference=TEXTS),
    st.builds(Redeem, asset=ASSETS, amount=NUMBERS, reference=TEXTS),
    st.builds(Transfer, asset=ASSETS, sender=LEIS, to=LEIS, amount=NUMBERS, reference=TEXTS),
    st.builds(RegisterTrade, trade=TRADES),
    st.builds(TradeBatch, trades=st.lists(TRADES, max_size=4).map(tuple)),
    st.builds(
        SubmitOracle,
        oracle=LEIS,
        date=DATES,
        marks=st.lists(st.builds(FeedMark, feed=FEEDS, value=NUMBERS), max_size=4).map(tuple),
    ),
    st.builds(SetLimit, member=LEIS, counterparty=LEIS, asset=ASSETS, notional_max=NUMBERS),
    st.builds(
        ApplyMembership,
        lei=LEIS | st.just(str(lei_from("NEWCOMER0000000000"))),
        name=TEXTS,
        group=LEIS,
        roles=st.lists(st.sampled_from(o.Role), max_size=3).map(tuple),
        keys=st.lists(
            st.builds(MemberKey, public_key=BYTES, role=st.sampled_from(o.KeyRole)), max_size=3
        ).map(tuple),
        seed_link=BYTES,
        contribution=NUMBERS,
    ),
    st.builds(
        RotateKey,
        member=LEIS,
        role=st.sampled_from(o.KeyRole),
        old=BYTES,
        new=BYTES,
        seed_link=BYTES,
    ),
    st.builds(StandDown, member=LEIS),
    st.builds(Propose, proposer=LEIS, body=BODIES, reason=TEXTS),
    st.builds(CastVote, voter=LEIS, proposal=NUMBERS, in_favour=st.booleans()),
    st.builds(
        CreateBatch,
        creator=LEIS,
        reference=TEXTS,
        legs=st.lists(
            st.builds(o.Leg, sender=LEIS, to=LEIS, asset=ASSETS, amount=NUMBERS), max_size=3
        ).map(tuple),
        settle_date=st.none() | DATES,
        deadline=NUMBERS,
    ),
    st.builds(Allocate, sender=LEIS, creator=LEIS, reference=TEXTS | st.just("R")),
    st.builds(Approve, receiver=LEIS, creator=LEIS, reference=TEXTS | st.just("R")),
    st.builds(CancelBatch, member=LEIS, creator=LEIS, reference=TEXTS | st.just("R")),
    st.builds(ContributeFund, member=LEIS, service=SERVICES, amount=NUMBERS),
    st.builds(WithdrawFund, member=LEIS, service=SERVICES, amount=NUMBERS),
    st.builds(PostCapital, operator=LEIS, service=SERVICES, amount=NUMBERS),
    st.builds(NotifyInsolvency, notifier=LEIS, member=LEIS, reason=TEXTS),
    st.builds(DirectDefault, authority=LEIS, member=LEIS, reason=TEXTS),
    st.builds(WithdrawCase, authority=LEIS, case=NUMBERS, reason=TEXTS),
    st.builds(CureDefault, member=LEIS, case=NUMBERS),
    st.builds(Stay, authority=LEIS, case=NUMBERS, blocks=NUMBERS, reason=TEXTS),
    st.builds(SubmitQuote, member=LEIS, case=NUMBERS, instrument=INSTRUMENTS, price=NUMBERS),
    st.builds(RecordRecovery, payer=LEIS, case=NUMBERS, amount=NUMBERS, reference=TEXTS),
    st.builds(ReleaseEstate, authority=LEIS, case=NUMBERS, amount=NUMBERS, reference=TEXTS),
    st.builds(DistributeRecovery, member=LEIS, case=NUMBERS),
    st.builds(AttestKyc, attestor=LEIS, member=LEIS, file_hash=HASHES, expires=DATES),
    st.builds(RevokeKyc, attestor=LEIS, member=LEIS, file_hash=HASHES),
    st.builds(
        AttestCapital, attestor=LEIS, member=LEIS, amount=NUMBERS, file_hash=HASHES, as_of=DATES
    ),
    st.builds(Resign, member=LEIS),
    st.builds(WithdrawResignation, member=LEIS),
    st.builds(Exit, member=LEIS),
)
WINDOWS = st.integers(0, 60) | st.sampled_from([2**53 - 1, -1, 2**64 - 1])


def _decoded(tx: Transaction) -> Transaction:
    """As a node reads it: what the type says holds, and nothing more."""
    return decode(encode(tx), Transaction, 1 << 20)


@given(
    actions=st.lists(ACTIONS, min_size=1, max_size=3),
    keys=st.lists(st.sampled_from(KEYS), max_size=3),
    nonce=NUMBERS,
    valid_until=WINDOWS,
)
@settings(max_examples=400)
def test_any_decoded_transaction_is_rejected_or_applied(
    actions: list[Action], keys: list[SigningKey], nonce: int, valid_until: int
) -> None:
    transactions = []
    for action in actions:
        tx = unsigned(CHAIN, action, nonce=nonce, valid_until=valid_until)
        with suppress(MalformedBytes):  # numbers that are no 64-bit ints, text that is not NFC
            transactions.append(_decoded(signed(tx, *keys)))
    for tx in transactions:
        for check in (
            lambda tx: check_transaction(WORLD.state, tx, WORLD.height + 1),
            lambda tx: check_terms(WORLD.state, tx),
        ):
            with suppress(Rejection):
                check(tx)
    _applied_or_refused(transactions)


def _applied_or_refused(transactions: list[Transaction]) -> None:
    """Apply them in a block, those whose signers are wrong apart."""
    fitting = []
    for tx in transactions:
        try:
            check_block(WORLD.state, WORLD.unchecked(tx))
        except BlockRefused:
            continue
        fitting.append(tx)
    applied = apply_block(WORLD.state, WORLD.unchecked(*fitting))
    assert [receipt.tx_id for receipt in applied.receipts] == [tx_id(tx) for tx in fitting]
    for receipt in applied.receipts:
        assert decode(encode(receipt), Receipt, 1 << 12) == receipt
    for _, row in applied.changes:
        assert row is None or len(row) < 1 << 14


@given(action=ACTIONS, nonce=st.integers(0, 2**63 - 1))
@settings(max_examples=400)
def test_any_action_signed_by_those_it_names_is_rejected_or_applied(
    action: Action, nonce: int
) -> None:
    """Past the signatures: each action is signed by the members it names, with the right role."""
    by_lei = {who.lei: who for who in EVERYBODY}
    match action:
        case Mint() | Redeem():
            keys = [WORLD.issuer.key("treasury")]
        case Transfer(sender=lei):
            keys = [by_lei[lei].key("treasury")] if lei in by_lei else []
        case RegisterTrade(trade=trade) | TradeBatch(trades=(trade, *_)):
            leis = {trade.buyer, trade.seller} & set(by_lei)
            keys = [by_lei[lei].key("trade") for lei in sorted(leis)]
        case SubmitOracle(oracle=lei):
            keys = [by_lei[lei].key("oracle")] if lei in by_lei else []
        case (
            CreateBatch(creator=lei)
            | Allocate(sender=lei)
            | Approve(receiver=lei)
            | CancelBatch(member=lei)
            | ContributeFund(member=lei)
            | WithdrawFund(member=lei)
            | PostCapital(operator=lei)
            | CureDefault(member=lei)
            | RecordRecovery(payer=lei)
        ):
            keys = [by_lei[lei].key("treasury")] if lei in by_lei else []
        case (
            SetLimit(member=lei)
            | RotateKey(member=lei)
            | StandDown(member=lei)
            | Propose(proposer=lei)
            | CastVote(voter=lei)
            | AttestKyc(attestor=lei)
            | RevokeKyc(attestor=lei)
            | AttestCapital(attestor=lei)
            | Resign(member=lei)
            | WithdrawResignation(member=lei)
            | Exit(member=lei)
            | NotifyInsolvency(notifier=lei)
            | DirectDefault(authority=lei)
            | WithdrawCase(authority=lei)
            | Stay(authority=lei)
            | ReleaseEstate(authority=lei)
            | DistributeRecovery(member=lei)
        ):
            keys = [by_lei[lei].key("governance")] if lei in by_lei else []
        case _:
            keys = []
    tx = signed(unsigned(CHAIN, action, nonce=nonce, valid_until=WORLD.height + 1), *keys)
    try:
        tx = _decoded(tx)
    except MalformedBytes:
        return
    _applied_or_refused([tx])


def test_signatures_of_any_shape_do_not_crash_a_block() -> None:
    tx = WORLD.transfer(A, B, 1)
    for entries in (
        (KeySignature(b"", b""),),
        (KeySignature(bytes(1_000), bytes(1)),) * 2,
        tx.signatures * 3,
    ):
        odd = msgspec.structs.replace(tx, signatures=entries)
        with pytest.raises(Rejection):
            check_transaction(WORLD.state, odd, WORLD.height + 1)
        with pytest.raises(BlockRefused):
            apply_block(WORLD.state, WORLD.unchecked(odd))


def test_a_block_of_thousands_of_transactions_settles_thousands_of_obligations() -> None:
    """Twelve members, every pair, many trades: nothing but time grows."""
    world = World(members=12, maturity=CALENDAR[4])
    pairs = [(a, b) for a in world.members for b in world.members if a.lei != b.lei]
    keys = {who.lei: who.key("trade") for who in world.members}
    transactions = []
    for number, (a, b) in enumerate(pairs):
        trades = tuple(world.terms(a, b, 1 + (number * 7 + k) % 50, 1_010) for k in range(10))
        transactions.append(world.sign(TradeBatch(trades), keys[a.lei], keys[b.lei]))
    world.must(*transactions, *[world.mint(who, 10**6) for who in world.members])
    world.close(CALENDAR[0], AAA=1_000)
    world.settle()
    assert world.obligations() == {}
    assert sum(world.cash(who) for who in world.members) == 12 * 10**6
