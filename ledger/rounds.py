"""Netting rounds on the ledger: freeze, cycles with a certificate, pay-ins, settlement.

Block h freezes a round's obligations. Blocks h and h+1 reveal the seed. Block h+2 must carry the
certificate; whoever checks it rebuilds the same flows. Pay-ins are published then, and after the
funding window everything settles in one transition, on the free cash of that moment.
"""

from collections import Counter

import msgspec
import numpy as np

from ledger import calls, cash, paying
from ledger import objects as o
from ledger import tables as t
from ledger.default import cases
from ledger.events import Event, RoundCleared, RoundFrozen, RoundSettled
from ledger.obligations import keep_open, put_state, waiting
from ledger.receipts import RoundResult
from ledger.rejections import BlockRefused
from ledger.rulebook import CLEAR_AFTER_BLOCKS, settle_height
from ledger.state import Draft, State
from netting.errors import CertificateRefused
from netting.graph import Ints
from netting.round import ClearedRound, Due, Round
from netting.round import freeze as netting_round
from netting.settle import Settlement, settle
from wire import merkle
from wire.codec import Digest, Record, encode, sha256
from wire.ids import AssetCode, Date, Party
from wire.limits import AMOUNT_MAX


class RoundCertificate(Record, frozen=True):
    """The proposer's proof of a round's cancelled flows, carried by block freeze + 2."""

    number: int
    certificate: bytes


class Problem(msgspec.Struct, frozen=True):
    """A frozen round as netting sees it: what a proposer solves and everybody checks."""

    number: int
    round: Round
    seed: Digest

    def solve(self) -> RoundCertificate:
        """The certificate; takes long on large rounds, so it runs outside the core."""
        return RoundCertificate(self.number, self.round.certify(self.seed))

    def solve_greedily(self) -> RoundCertificate:
        """The greedy certificate: maximal, not maximum, and quick."""
        return RoundCertificate(self.number, self.round.certify_greedily())


def freeze(draft: Draft, date: Date, height: int, link: bytes) -> list[Event]:
    """Freeze the obligations due; from here on they cannot be changed singly."""
    keys = _frozen_keys(draft, date)
    paying.fall_due(draft, date, settle_height(draft.must(t.RULEBOOK, t.rulebook_key()), height))
    return [open_round(draft, keys, date, height, link)] if keys else []


def open_round(
    draft: Draft, keys: list[bytes], date: Date, height: int, link: bytes
) -> RoundFrozen:
    """Freeze these obligations in a round of their own."""
    network = draft.must(t.NETWORK, t.network_key())
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    number = network.rounds + 1
    draft.put(t.NETWORK, t.network_key(), msgspec.structs.replace(network, rounds=number))
    gross: dict[AssetCode, int] = {}
    for key in keys:
        row = draft.must(t.OBLIGATIONS, key)
        gross[row.asset] = gross.get(row.asset, 0) + row.amount
        put_state(draft, key, row.amount, o.ObligationState.FROZEN)
    idents = [t.OBLIGATIONS.parts(key)[0] for key in keys]
    posed = netting_round(_due(draft, idents))
    leaves = [encode((one.id, draft.row(t.OBLIGATIONS.key(one.id)))) for one in posed.obligations]
    opened = o.NettingRound(
        number=number,
        service=rulebook.service,
        date=date,
        state=o.RoundState.FROZEN,
        root=merkle.root(leaves),
        obligations=tuple(_ident(one.id) for one in posed.obligations),
        freeze_height=height,
        links=(link,),
        settle_height=settle_height(rulebook, height),
        figures=tuple(
            o.RoundFigures(asset, gross[asset], 0, 0, 0, gross[asset], 0, 0)
            for asset in sorted(gross)
        ),
        failed=(),
        liquidity_events=(),
    )
    draft.put(t.ROUNDS, t.ROUNDS.key(number), opened)
    return RoundFrozen(number, len(keys))


def reveal(draft: Draft, height: int, link: bytes) -> None:
    """Add this block's seed link to the round that the block before froze."""
    for key in draft.indexed(t.ROUNDS, o.RoundState.FROZEN):
        row = draft.must(t.ROUNDS, key)
        if row.freeze_height == height - 1:
            draft.put(t.ROUNDS, key, msgspec.structs.replace(row, links=(*row.links, link)))


def due_for_clearing(state: State | Draft, height: int) -> list[o.NettingRound]:
    """The rounds whose certificate block `height` must carry, by number."""
    found = [state.must(t.ROUNDS, key) for key in state.indexed(t.ROUNDS, o.RoundState.FROZEN)]
    return [row for row in found if row.freeze_height + CLEAR_AFTER_BLOCKS == height]


def problem(state: State | Draft, row: o.NettingRound) -> Problem:
    """The netting problem of a frozen round.

    The seed is of the links and nothing else: each of them was fixed long before, by its
    validator's hash chain. Were the frozen obligations mixed in, then a proposer of the freezing
    block that knows the next link (its own, when round 0 has failed, or one shown in a block that
    was not decided) could try variants of its block until it likes the seed.
    """
    seed = sha256(encode(("dcn/round-seed/2", row.number, *row.links)))
    return Problem(row.number, netting_round(_due(state, row.obligations)), seed)


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
        posed = problem(state, row)
        try:
            posed.round.clear(posed.seed, entry.certificate)
        except CertificateRefused as refused:
            raise BlockRefused(f"certificate of round {row.number}: {refused.detail}") from None


def clear_due(
    draft: Draft, height: int, certificates: tuple[RoundCertificate, ...], events: list[Event]
) -> None:
    """Cancel what the certificates prove can be cancelled, and publish the pay-ins."""
    proofs = {entry.number: entry for entry in certificates}
    for row in due_for_clearing(draft, height):  # without those that this block computes again
        posed = problem(draft, row)
        cleared = posed.round.clear(posed.seed, proofs[row.number].certificate)
        for ident, cancelled in zip(row.obligations, cleared.cancelled.tolist(), strict=True):
            if cancelled:
                draft.put(t.FLOWS, t.FLOWS.key(row.number, ident), o.Flow(cancelled))
        _publish_pay_ins(draft, row.number, cleared)
        figures = tuple(
            msgspec.structs.replace(
                old,
                set_off=result.set_off,
                cleared=result.cycled,
                objective=int(result.objective),
                remaining=old.gross - result.set_off - result.cycled,
            )
            for old, result in zip(row.figures, cleared.results, strict=True)
        )
        updated = msgspec.structs.replace(row, state=o.RoundState.CLEARED, figures=figures)
        draft.put(t.ROUNDS, t.ROUNDS.key(row.number), updated)
        events.append(RoundCleared(row.number, figures))


def settle_due(draft: Draft, height: int, events: list[Event]) -> tuple[RoundResult, ...]:
    """Settle every round whose funding window ends at `height`; returns the legal record."""
    results: list[RoundResult] = []
    for key in draft.indexed(t.ROUNDS, o.RoundState.CLEARED):
        row = draft.must(t.ROUNDS, key)
        if row.settle_height == height:
            results += _settle(draft, row, events)
    return tuple(results)


def pending(state: State) -> int:
    """Rounds that wait for a block: the network does not idle while there are any."""
    frozen = state.indexed(t.ROUNDS, o.RoundState.FROZEN)
    return len(frozen) + len(state.indexed(t.ROUNDS, o.RoundState.CLEARED))


def _settle(draft: Draft, row: o.NettingRound, events: list[Event]) -> list[RoundResult]:
    """One round: the settlement pass, net cash, discharge; what stays out is late."""
    posed = problem(draft, row)
    legs = posed.round.legs
    cancelled = np.array([_cancelled(draft, row.number, i) for i in row.obligations], np.int64)
    left = ClearedRound(posed.round, (), cancelled).legs()
    outcome = settle(left, _free_cash(draft, posed.round))
    _move_cash(draft, posed.round, outcome.cash)
    absent = paying.owed_by_absent(draft, row.settle_height)
    failed = _names(posed.round, _failed(posed.round, outcome, absent))
    because = _because(posed.round, outcome)
    results: list[RoundResult] = []
    for i, ident in enumerate(row.obligations):
        open_amount = int(left.amount[i])
        paid = open_amount if outcome.discharged[i] else 0
        results.append(_result(draft, row, i, int(cancelled[i]), paid, because.get(i)))
        keep_open(draft, ident, open_amount - paid, failed, row.settle_height)
        calls.round_settled(draft, ident, open_amount - paid, failed, row.settle_height, events)
        draft.delete(t.FLOWS.key(row.number, ident))
    figures = tuple(
        msgspec.structs.replace(
            old,
            discharged=int(left.amount[outcome.discharged & (legs.asset == number)].sum()),
            cash_moved=int(np.maximum(outcome.cash[:, number], 0).sum()),
        )
        for number, old in enumerate(row.figures)
    )
    for party in posed.round.participants:
        for asset in posed.round.assets:
            draft.delete(t.PAY_INS.key(row.number, party, asset))
    done = msgspec.structs.replace(
        row,
        state=o.RoundState.SETTLED,
        obligations=(),
        figures=figures,
        failed=failed,
        liquidity_events=tuple(
            one
            for one in _names(posed.round, [x.participant for x in outcome.out])
            if one not in failed
        ),
    )
    draft.put(t.ROUNDS, t.ROUNDS.key(row.number), done)
    events.append(RoundSettled(row.number, figures, failed, done.liquidity_events))
    return results


def _result(
    draft: Draft,
    frozen: o.NettingRound,
    i: int,
    cancelled: int,
    paid: int,
    because_of: Party | None,
) -> RoundResult:
    ident = frozen.obligations[i]
    row = draft.must(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))
    return RoundResult(
        # Only who has the ledger knows the root, which no header shows.
        salt=sha256(encode(("dcn/result-salt/2", frozen.root, frozen.links, ident))),
        number=frozen.number,
        obligation=ident,
        debtor=row.debtor,
        creditor=row.creditor,
        asset=row.asset,
        amount=row.amount,
        cancelled=cancelled,
        settled=paid,
        because_of=because_of,
    )


def _publish_pay_ins(draft: Draft, number: int, cleared: ClearedRound) -> None:
    nets = cleared.nets()
    for i, party in enumerate(cleared.round.participants):
        for j, asset in enumerate(cleared.round.assets):
            if nets[i, j] < 0:
                key = t.PAY_INS.key(number, _party(party), asset)
                draft.put(t.PAY_INS, key, o.PayIn(-int(nets[i, j])))


def _free_cash(draft: Draft, posed: Round) -> Ints:
    delivers: Counter[tuple[str, str]] = Counter()
    for one in posed.obligations:
        if one.instruction is not None:
            delivers[_party(one.debtor), one.asset] += one.amount
    free = [
        [cash.means(draft, who, asset, delivers[who, asset]) for asset in posed.assets]
        for who in map(_party, posed.participants)
    ]
    return np.array(free, np.int64)


def _move_cash(draft: Draft, posed: Round, moved: Ints) -> None:
    for i, party in enumerate(posed.participants):
        for j, asset in enumerate(posed.assets):
            if moved[i, j]:
                cash.settle_net(draft, _party(party), asset, int(moved[i, j]))


def _failed(
    posed: Round, outcome: Settlement, absent: Counter[tuple[Party, AssetCode]]
) -> list[int]:
    """Who could not fund, and could not have if those that stay out had paid it."""
    return [
        one.participant
        for one in outcome.failed()
        if any(
            missing > absent[_party(posed.participants[one.participant]), AssetCode(asset)]
            for asset, missing in zip(posed.assets, one.shortfall, strict=True)
        )
    ]


def _because(posed: Round, outcome: Settlement) -> dict[int, Party]:
    pairs = zip(outcome.late.tolist(), outcome.late_because_of.tolist(), strict=True)
    return {leg: _party(posed.participants[who]) for leg, who in pairs}


def _names(posed: Round, participants: list[int]) -> tuple[Party, ...]:
    return tuple(_party(posed.participants[i]) for i in participants)


def _party(participant: bytes | str) -> Party:
    assert isinstance(participant, str)
    return Party(participant)


def _ident(obligation: bytes | str) -> bytes:
    assert isinstance(obligation, bytes)
    return obligation


def _due(state: State | Draft, idents: list[bytes] | tuple[bytes, ...]) -> list[Due]:
    rows = [(ident, state.must(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))) for ident in idents]
    return [
        Due(i, row.debtor, row.creditor, row.asset, row.amount, row.due, row.instruction or None)
        for i, row in rows
    ]


def _cancelled(draft: Draft, number: int, ident: bytes) -> int:
    flow = draft.get(t.FLOWS, t.FLOWS.key(number, ident))
    return 0 if flow is None else flow.cancelled


def _frozen_keys(draft: Draft, date: Date) -> list[bytes]:
    """What is due, between parties in good standing that do not stay out; of an instruction all
    legs or none, whoever stays out. A round's total in an asset, and so every member's gross, must
    stay an amount: what does not fit waits for the next round."""
    gross: dict[str, int] = {}
    keys: list[bytes] = []
    out = paying.staying_out(draft, date)
    for together in _instructions(draft):
        rows = [draft.must(t.OBLIGATIONS, key) for key in together]
        if not all(row.due <= date and _takes_part(draft, row, out) for row in rows):
            continue
        total = dict(gross)
        for row in rows:
            total[row.asset] = total.get(row.asset, 0) + row.amount
        if max(total.values()) <= AMOUNT_MAX:
            gross = total
            keys += together
    return keys


def _instructions(draft: Draft) -> list[list[bytes]]:
    """The debts that no round holds: each alone, or with all the others of its instruction."""
    groups: dict[bytes, list[bytes]] = {}
    for ident, row in waiting(draft):
        key = t.OBLIGATIONS.key(ident)
        groups.setdefault(row.instruction or key, []).append(key)
    return list(groups.values())


def _takes_part(draft: Draft, row: o.Obligation, out: set[Party]) -> bool:
    parties = (row.debtor, row.creditor)
    singly = not row.instruction and not out.isdisjoint(parties)
    return not singly and all(cases.pays_on(draft, party) for party in parties)
