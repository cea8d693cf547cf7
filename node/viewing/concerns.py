"""Whose business a row, an event or a transaction is: of which members, in which product, of when.

What is named here as public is everybody's: the network and its rules, who is a member, marks,
totals, and what is told to all because all answer for it (who is in default, who was left out of
a round). Everything else is the business of its parties; what has none that can be found is shown
to nobody. Rows, events and transactions of a new type are therefore hidden until they are named.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from ledger import actions as act
from ledger import events as e
from ledger import objects as o
from ledger import tables as t
from ledger.state import State
from wire.ids import member_of


class Concern(msgspec.Struct, frozen=True):
    """Whose business something is. `members` empty and not `public`: nobody can be named."""

    members: tuple[str, ...] = ()
    product: str = ""
    """Empty: of any."""
    date: int | None = None
    """None: of now."""
    public: bool = False
    """Everybody sees it, of it `public_part` if there are `members` whose business the rest is."""
    together: bool = False
    """Whether it is of several who have nothing to do with each other: seen by who may see each."""


PUBLIC: Final = Concern(public=True)

LEI_LENGTH: Final = 20
"""ISO 17442."""

PUBLIC_TABLES: Final = (
    t.NETWORK, t.RULEBOOK, t.MEMBERS, t.KEYS, t.NONCES, t.SEEDS, t.ASSETS, t.INSTRUMENTS, t.FEEDS,
    t.ORACLE_MARKS, t.MARKS, t.ROUNDS, t.CONSENSUS_KEYS, t.RECENT_BLOCKS, t.OFFENCES, t.PROPOSALS,
    t.BALLOTS, t.RULEBOOKS, t.BOOTSTRAP, t.HELD_MARKS, t.DEFAULT_CASES, t.DATE_CLOSES, t.FUNDS,
    t.MANDATES, t.LOOKS,
)  # fmt: skip
"""Tables whose rows everybody sees, as `public_part` leaves them. A netting round's row has its
totals and the hashes of what was netted."""

PUBLIC_EVENTS: Final[tuple[type, ...]] = (
    e.NoticeGiven, e.NoticeEnded, e.DefaultDeclared, e.RoundRecomputed, e.CaseMoved, e.FundSized,
    e.FundBreached, e.ProposalOpened, e.VoteCast, e.ProposalDecided, e.ProposalEnacted, e.Listed,
    e.CalendarExtended, e.RulebookAmended, e.RolesChanged, e.GroupChanged, e.BootstrapActed,
    e.BootstrapRetired, e.CallMoved, e.MarkHeld, e.MarkCarried, e.MemberApplied, e.MemberChanged,
    e.KeyRotated, e.PowerChanged, e.ValidatorSuspended, e.NetworkRecovered, e.KycAttested,
    e.KycRevoked, e.StandingChanged, e.CapitalAttested, e.MemberResigned, e.KeyVetoed,
    e.RoundFrozen, e.RoundCleared, e.RoundSettled, e.MandateGranted, e.MandateRevoked,
    e.LooksCommitted, e.LookOverdue, e.DateClosed, e.MarginCycle,
)  # fmt: skip
"""Of a call that moves nothing but the hash is told."""

PUBLIC_ACTIONS: Final[tuple[type, ...]] = (
    act.ApplyMembership, act.RotateKey, act.StandDown, act.AttestKyc, act.RevokeKyc,
    act.AttestCapital, act.Resign, act.WithdrawResignation, act.Exit, act.VetoKey, act.Propose,
    act.CastVote, act.Bootstrap, act.RetireBootstrap, act.SubmitOracle, act.CommitLooks,
    act.DirectDefault, act.NotifyInsolvency, act.WithdrawCase, act.Stay,
)  # fmt: skip

PARTY_FIELDS: Final = frozenset({
    "authority", "bearer", "buyer", "client", "counterparty", "creator", "creditor", "debtor",
    "entering", "first", "guarantor", "leaving", "lei", "member", "operator", "party", "payer",
    "poster", "receiver", "second", "secured", "seller", "sender", "to",
})  # fmt: skip
"""Fields that name who a record is about; a field that names a witness, as an oracle, is none."""


def public_part(record: Any) -> Any:
    """What everybody sees of a public record: without what is one member's alone."""
    match record:
        case o.DefaultCase():
            return msgspec.structs.replace(record, cure=(), unpaid=())
        case o.DefaultFund() | e.FundSized():
            return msgspec.structs.replace(record, groups=())
        case e.NoticeGiven():
            return msgspec.structs.replace(record, cure=())
        case _:
            return record


# -------------------------------------------------------------------- rows
def of_row(state: State, key: bytes, row: Any) -> Concern:
    """Whose business a row of the state is; `row` None: of one that is not there."""
    table = t.BY_TAG[key[0]]
    if isinstance(row, o.DefaultCase):
        return Concern((row.defaulter,), public=True)
    if table in PUBLIC_TABLES:
        return PUBLIC
    parts = table.parts(key)
    match row:
        case o.Contract(trade=trade):
            return of_trade(state, trade)
        case o.Obligation():
            return Concern((row.debtor, row.creditor), date=row.due)
        case o.MarginCall():
            return Concern((row.payer, row.receiver), date=row.date)
        case o.Dispute():
            return Concern(parts[:2], date=row.date)
        case o.Batch() | o.CloseOut() | o.Minting():
            return Concern(tuple(_parties(row)))
        case o.Pending():
            known = of_uti(state, parts[0])
            return msgspec.structs.replace(known, members=(*known.members, *_parties(row.what)))
        case o.ContractValue():
            return of_uti(state, parts[0])
    of_key = _BY_KEY.get(table.tag)
    return Concern() if of_key is None else of_key(state, parts)


def _obligation(state: State, ident: bytes) -> Concern:
    key = t.OBLIGATIONS.key(ident)
    row = state.get(t.OBLIGATIONS, key)
    return Concern() if row is None else of_row(state, key, row)


def _balance(_: State, parts: tuple[Any, ...]) -> Concern:
    """Its owner's; margin in custody also that of whom it secures."""
    owner, kind, reference = parts[:3]
    secured = reference.partition(">")[2] if kind == o.AccountKind.IM_ESCROW else ""
    return Concern((owner, secured) if secured else (owner,))


_BY_KEY: Final[dict[int, Callable[[State, tuple[Any, ...]], Concern]]] = {
    t.BALANCES.tag: _balance,
    t.CONTRACTS.tag: lambda state, parts: of_uti(state, parts[0]),
    t.NETTING_SETS.tag: lambda _, parts: Concern(parts[:2]),
    t.LIMITS.tag: lambda _, parts: Concern(parts[:1]),
    t.PAY_INS.tag: lambda _, parts: Concern(parts[1:2]),
    t.FLOWS.tag: lambda state, parts: _obligation(state, parts[1]),
    t.OVERDUES.tag: lambda state, parts: _obligation(state, parts[0]),
    t.CLIENTS.tag: lambda _, parts: Concern(parts[:1]),
    t.CSAS.tag: lambda _, parts: Concern(parts[:2]),
    t.AGREED_IM.tag: lambda _, parts: Concern(parts[:2]),
    t.PARTY_MARKS.tag: lambda _, parts: Concern(parts[:2]),
    t.LOSS_CLAIMS.tag: lambda _, parts: Concern(parts[1:3]),
    t.LOSS_SHARES.tag: lambda _, parts: Concern(parts[2:3]),
    t.FIRM_QUOTES.tag: lambda _, parts: Concern(parts[2:3]),
    t.CONTRIBUTIONS.tag: lambda _, parts: Concern(parts[1:2]),
    t.GUARANTEES.tag: lambda _, parts: Concern(parts[:2]),
    t.STAYING_OUT.tag: lambda _, parts: Concern(parts[:1]),
    t.PROVISIONAL.tag: lambda _, parts: Concern(parts[:2]),
}


def of_trade(state: State, trade: o.Trade) -> Concern:
    """That of its parties."""
    instrument = state.get(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
    product = "" if instrument is None else o.Product(instrument.product).name
    return Concern((trade.buyer, trade.seller), product, trade.trade_date)


def of_uti(state: State, uti: str) -> Concern:
    """That of the parties of a registered trade; of one that is not there that of who named it."""
    row = state.get(t.CONTRACTS, t.CONTRACTS.key(uti))
    if row is None:
        return Concern((uti[:LEI_LENGTH],))
    return of_trade(state, row.trade)


# -------------------------------------------------------------------- events, transactions
def of_event(state: State, event: e.Event) -> Concern:
    """Whose business an event is; `state`: at or after it."""
    if isinstance(event, e.NoticeGiven):
        return Concern((event.member,), public=True)
    if isinstance(event, PUBLIC_EVENTS):
        return PUBLIC
    match event:
        case e.LookDisclosed(look=look):
            return Concern((look.member, look.authority))
        case e.EstateCredited(case=number) | e.EstatePaid(case=number):
            row = state.get(t.DEFAULT_CASES, t.DEFAULT_CASES.key(number))
            more = () if row is None else (row.defaulter,)
            return Concern((*more, *_parties(event)))
        case _:
            return _of_record(state, event)


def of_action(state: State, action: act.Action) -> Concern:
    """Whose business a transaction is; `state`: before or after it."""
    if isinstance(action, PUBLIC_ACTIONS):
        return PUBLIC
    match action:
        case act.Redeem(asset=asset):
            issued = state.get(t.ASSETS, t.ASSETS.key(asset))
            return Concern() if issued is None else Concern((issued.issuer,))
        case act.TradeBatch(trades=trades):
            found = [of_trade(state, trade) for trade in trades]
            if not found:
                return Concern()  # the ledger refuses it, in a block that may be decided
            if all(one == found[0] for one in found):
                return found[0]
            dates = {one.date: None for one in found}
            parties = tuple({party: None for one in found for party in one.members})
            return Concern(parties, date=next(iter(dates)) if len(dates) == 1 else None)
        case act.DiscloseLooks(looks=looks):
            return Concern(tuple({one.member: None for one in looks}), together=True)
        case _:
            return _of_record(state, action)


def _of_record(state: State, record: Any) -> Concern:
    """By the parties that it names, and those of the trade or the batch that it is about."""
    trade = getattr(record, "trade", None)
    if trade is not None:
        return of_trade(state, trade)
    parties = list(_parties(record))
    uti = getattr(record, "uti", None)
    if uti is not None:
        known = of_uti(state, uti)
        return msgspec.structs.replace(known, members=(*known.members, *parties))
    if hasattr(record, "creator") and hasattr(record, "reference"):
        key = t.BATCHES.key(record.creator, record.reference)
        row = state.get(t.BATCHES, key)
        if row is not None:
            parties += _parties(row)
    if not parties:
        return Concern()
    return Concern(tuple(dict.fromkeys(parties)), date=getattr(record, "date", None))


def _parties(value: Any) -> Iterator[str]:
    """The parties named anywhere in a record, by the fields that name parties."""
    match value:
        case msgspec.Struct():
            for name in value.__struct_fields__:
                item = getattr(value, name)
                if name in PARTY_FIELDS and isinstance(item, str):
                    if len(member_of(item)) == LEI_LENGTH:  # a tranche bears, too
                        yield item
                else:
                    yield from _parties(item)
        case tuple():
            for item in value:
                yield from _parties(item)
