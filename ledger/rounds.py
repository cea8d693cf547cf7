"""Netting rounds on the ledger: freeze, cycles with a certificate, pay-ins, settlement.

Block h freezes a round's obligations. Blocks h and h+1 reveal the seed. Block h+2 must carry the
certificate; whoever checks it rebuilds the same flows. Pay-ins are published then, and after the
funding window everything settles in one transition, on the free cash of that moment.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from netting.allot import allot
from netting.check import Cleared, check
from netting.errors import CertificateRefused
from netting.settle import settle

from ledger import cash
from ledger import objects as o
from ledger import tables as t
from ledger.receipts import Event, RoundCleared, RoundFrozen, RoundResult, RoundSettled
from ledger.rejections import BlockRefused
from ledger.state import Draft, State
from netting import graph as g
from wire import merkle
from wire.codec import Digest, Record, encode, sha256
from wire.ids import Date, Lei
from wire.limits import AMOUNT_MAX

CLEAR_AFTER_BLOCKS: Final = 2
"""From freeze to certificate: the seed needs the links of the freezing block and the next."""


class RoundCertificate(Record, frozen=True):
    """The proposer's proof of a round's cancelled flows, carried by block freeze + 2."""

    number: int
    certificate: bytes


class Problem(msgspec.Struct, frozen=True):
    """A round as netting sees it: what a proposer solves and everybody checks."""

    number: int
    obligations: tuple[bytes, ...]
    """Ids, sorted; position i below speaks of obligation i."""
    participants: tuple[Lei, ...]
    """Sorted; position is the participant's number."""
    debtor: g.Ints
    creditor: g.Ints
    amount: g.Ints
    whole: g.Graph
    """Per ordered pair, before set-off."""
    set_off: g.SetOff
    seed: Digest


def freeze(draft: Draft, date: Date, height: int, link: bytes) -> list[Event]:
    """Freeze the obligations due, a round for each asset; they can no longer be changed singly."""
    frozen: dict[str, list[bytes]] = {}
    gross: dict[tuple[str, Lei], int] = {}
    for key in _waiting(draft):
        row = draft.must(t.OBLIGATIONS, key)
        sides = [(row.asset, row.debtor), (row.asset, row.creditor)]
        totals = [gross.get(side, 0) + row.amount for side in sides]
        # A member's gross must stay an amount; what does not fit waits for the next round.
        if row.due <= date and _in_good_standing(draft, row) and max(totals) <= AMOUNT_MAX:
            gross.update(zip(sides, totals, strict=True))
            frozen.setdefault(row.asset, []).append(key)
    events: list[Event] = []
    for asset in sorted(frozen):
        network = draft.must(t.NETWORK, t.network_key())
        number = network.rounds + 1
        draft.put(t.NETWORK, t.network_key(), msgspec.structs.replace(network, rounds=number))
        rows = [draft.must(t.OBLIGATIONS, key) for key in frozen[asset]]
        idents = [t.OBLIGATIONS.parts(key)[0] for key in frozen[asset]]
        leaves = [encode((ident, row)) for ident, row in zip(idents, rows, strict=True)]
        for key, row in zip(frozen[asset], rows, strict=True):
            _set_state(draft, key, row, o.ObligationState.FROZEN)
        total = sum(row.amount for row in rows)
        rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
        opened = o.NettingRound(
            number=number,
            service=rulebook.service,
            asset=rows[0].asset,
            date=date,
            state=o.RoundState.FROZEN,
            root=merkle.root(leaves),
            obligations=tuple(idents),
            freeze_height=height,
            links=(link,),
            settle_height=height + CLEAR_AFTER_BLOCKS + rulebook.funding_window_blocks,
            gross=total,
            set_off=0,
            cleared=0,
            objective=0,
            remaining=total,
            cash_moved=0,
            discharged=0,
            failed=(),
            liquidity_events=(),
        )
        draft.put(t.ROUNDS, t.ROUNDS.key(number), opened)
        events.append(RoundFrozen(number, len(rows), total))
    return events


def reveal(draft: Draft, height: int, link: bytes) -> None:
    """Add this block's seed link to the rounds that the block before froze."""
    for key in draft.indexed(t.ROUNDS, o.RoundState.FROZEN):
        row = draft.must(t.ROUNDS, key)
        if row.freeze_height == height - 1:
            draft.put(t.ROUNDS, key, msgspec.structs.replace(row, links=(*row.links, link)))


def due_for_clearing(state: State | Draft, height: int) -> list[o.NettingRound]:
    """The rounds whose certificate block `height` must carry, by number."""
    found = [state.must(t.ROUNDS, key) for key in state.indexed(t.ROUNDS, o.RoundState.FROZEN)]
    return [row for row in found if row.freeze_height + CLEAR_AFTER_BLOCKS == height]


def problem(state: State | Draft, row: o.NettingRound) -> Problem:
    """The netting problem of a frozen round."""
    rows = [state.must(t.OBLIGATIONS, t.OBLIGATIONS.key(ident)) for ident in row.obligations]
    participants = tuple(sorted({lei for x in rows for lei in (x.debtor, x.creditor)}))
    number = {lei: i for i, lei in enumerate(participants)}
    debtor = np.array([number[x.debtor] for x in rows], np.int64)
    creditor = np.array([number[x.creditor] for x in rows], np.int64)
    amount = np.array([x.amount for x in rows], np.int64)
    whole = g.aggregate(len(participants), debtor, creditor, amount)
    seed = sha256(encode(("dcn/round-seed/1", row.root, *row.links)))
    return Problem(
        row.number, row.obligations, participants, debtor, creditor, amount, whole,
        g.set_off(whole), seed,
    )  # fmt: skip


def check_certificates(
    state: State, height: int, certificates: tuple[RoundCertificate, ...]
) -> None:
    """Refuse a block that lacks a due certificate, or has a wrong or surplus one."""
    due = due_for_clearing(state, height)
    if [row.number for row in due] != [entry.number for entry in certificates]:
        raise BlockRefused(
            f"certificates for rounds {[entry.number for entry in certificates]}, "
            f"due are {[row.number for row in due]}"
        )
    for row, entry in zip(due, certificates, strict=True):
        try:
            _checked(problem(state, row), entry)
        except CertificateRefused as refused:
            raise BlockRefused(f"certificate of round {row.number}: {refused.detail}") from None


def clear_due(
    draft: Draft, height: int, certificates: tuple[RoundCertificate, ...], events: list[Event]
) -> None:
    """Cancel what the certificates prove can be cancelled, and publish the pay-ins."""
    for row, entry in zip(due_for_clearing(draft, height), certificates, strict=True):
        posed = problem(draft, row)
        cleared = _checked(posed, entry)
        off, cycles = _per_obligation(posed, cleared)
        for i, ident in enumerate(posed.obligations):
            if off[i] or cycles[i]:
                flow = o.Flow(off[i], cycles[i])
                draft.put(t.FLOWS, t.FLOWS.key(row.number, ident), flow)
        pay_ins = g.pay_ins(g.nets(posed.whole))
        for i, lei in enumerate(posed.participants):
            if pay_ins[i]:
                draft.put(t.PAY_INS, t.PAY_INS.key(row.number, lei), o.PayIn(int(pay_ins[i])))
        updated = msgspec.structs.replace(
            row,
            state=o.RoundState.CLEARED,
            set_off=sum(off),
            cleared=sum(cycles),
            remaining=row.gross - sum(off) - sum(cycles),
            objective=int(cleared.objective),
        )
        draft.put(t.ROUNDS, t.ROUNDS.key(row.number), updated)
        events.append(
            RoundCleared(
                row.number, updated.set_off, updated.cleared, updated.remaining, updated.objective
            )
        )


def _checked(posed: Problem, entry: RoundCertificate) -> Cleared:
    return check(posed.set_off.graph, posed.participants, posed.seed, entry.certificate)


def _per_obligation(posed: Problem, cleared: Cleared) -> tuple[list[int], list[int]]:
    """Set-off and cleared amounts of each obligation, allotted oldest (lowest id) first."""
    edge = g.edges_of(posed.whole, posed.debtor, posed.creditor)
    off = allot(edge, posed.amount, posed.set_off.cancelled)
    flows = np.zeros(posed.whole.pairs, np.int64)
    flows[posed.set_off.kept] = cleared.flows
    cycles = allot(edge, posed.amount - off, flows)
    return off.tolist(), cycles.tolist()


def settle_due(draft: Draft, height: int, events: list[Event]) -> tuple[RoundResult, ...]:
    """Settle every round whose funding window ends at `height`; returns the legal record."""
    results: list[RoundResult] = []
    for key in draft.indexed(t.ROUNDS, o.RoundState.CLEARED):
        row = draft.must(t.ROUNDS, key)
        if row.settle_height == height:
            results += _settle(draft, row, events)
    return tuple(results)


def _settle(draft: Draft, row: o.NettingRound, events: list[Event]) -> list[RoundResult]:
    """One round: pass, move net cash, discharge, and put back as late what stays out."""
    posed = problem(draft, row)
    flows = {i: _flow(draft, row.number, ident) for i, ident in enumerate(posed.obligations)}
    rest = posed.amount - np.array(
        [flows[i].set_off + flows[i].cleared for i in range(len(flows))], np.int64
    )
    accounts = {lei: t.own_account(lei, row.asset) for lei in posed.participants}
    free = np.array([cash.free(draft, accounts[lei]) for lei in posed.participants], np.int64)
    outcome = settle(posed.debtor, posed.creditor, rest, free)
    discharged = outcome.discharged.tolist()
    net = outcome.net.tolist()
    for lei, amount in zip(posed.participants, net, strict=True):
        if amount:
            cash.credit(draft, accounts[lei], amount)
    failed = tuple(posed.participants[i] for i in outcome.failed)
    results: list[RoundResult] = []
    for i, ident in enumerate(posed.obligations):
        left = int(rest[i])
        paid = left if discharged[i] else 0
        results.append(_result(draft, posed, i, flows[i], paid))
        _close_out_obligation(draft, ident, left - paid, failed)
        draft.delete(t.FLOWS.key(row.number, ident))
    for lei in posed.participants:
        draft.delete(t.PAY_INS.key(row.number, lei))
    done = msgspec.structs.replace(
        row,
        state=o.RoundState.SETTLED,
        obligations=(),
        cash_moved=sum(amount for amount in net if amount > 0),
        discharged=sum(int(rest[i]) for i in range(len(rest)) if discharged[i]),
        failed=failed,
        liquidity_events=tuple(posed.participants[i] for i in outcome.liquidity_events),
    )
    draft.put(t.ROUNDS, t.ROUNDS.key(row.number), done)
    events.append(
        RoundSettled(
            row.number, done.cash_moved, done.discharged, done.failed, done.liquidity_events
        )
    )
    return results


def _result(draft: Draft, posed: Problem, i: int, flow: o.Flow, paid: int) -> RoundResult:
    ident = posed.obligations[i]
    obligation = draft.must(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))
    return RoundResult(
        salt=sha256(encode(("dcn/result-salt/1", posed.seed, ident))),
        number=posed.number,
        obligation=ident,
        debtor=obligation.debtor,
        creditor=obligation.creditor,
        asset=obligation.asset,
        amount=obligation.amount,
        set_off=flow.set_off,
        cleared=flow.cleared,
        settled=paid,
    )


def _close_out_obligation(draft: Draft, ident: bytes, left: int, failed: tuple[Lei, ...]) -> None:
    """Remove what is discharged; what is left waits for the next round as LATE or FAILED."""
    key = t.OBLIGATIONS.key(ident)
    if left == 0:
        draft.delete(key)
        return
    row = draft.must(t.OBLIGATIONS, key)
    state = o.ObligationState.FAILED if row.debtor in failed else o.ObligationState.LATE
    draft.put(t.OBLIGATIONS, key, msgspec.structs.replace(row, amount=left, state=state))


def _flow(draft: Draft, number: int, ident: bytes) -> o.Flow:
    return draft.get(t.FLOWS, t.FLOWS.key(number, ident)) or o.Flow(0, 0)


def _waiting(draft: Draft) -> list[bytes]:
    states = (o.ObligationState.OPEN, o.ObligationState.LATE, o.ObligationState.FAILED)
    return sorted(key for state in states for key in draft.indexed(t.OBLIGATIONS, state))


def _in_good_standing(draft: Draft, row: o.Obligation) -> bool:
    members = [draft.must(t.MEMBERS, t.MEMBERS.key(lei)) for lei in (row.debtor, row.creditor)]
    return all(member.state == o.MemberState.ACTIVE for member in members)


def _set_state(draft: Draft, key: bytes, row: o.Obligation, state: o.ObligationState) -> None:
    draft.put(t.OBLIGATIONS, key, msgspec.structs.replace(row, state=state))


def pending(state: State) -> Mapping[str, int]:
    """How many rounds wait for a block: the network should not idle while any do."""
    frozen = len(state.indexed(t.ROUNDS, o.RoundState.FROZEN))
    return {"frozen": frozen, "cleared": len(state.indexed(t.ROUNDS, o.RoundState.CLEARED))}
