"""Rounds that are not final when a default is declared: computed again without the defaulter.

What has been frozen, and even cleared, has moved nothing yet. The round is dissolved; the
obligations of everybody else are frozen again in the same block, in a round of their own, which
settles later than the old one would have: each delay is a liquidity event.
"""

import msgspec

from ledger import objects as o
from ledger import rounds
from ledger import tables as t
from ledger.default import cases
from ledger.events import Event, RoundRecomputed
from ledger.state import Draft
from wire.ids import Party


def without_defaulters(draft: Draft, height: int, link: bytes) -> list[Event]:
    """Compute every round again that has not settled and holds debts of a defaulter."""
    events: list[Event] = []
    for state in (o.RoundState.FROZEN, o.RoundState.CLEARED):
        for key in draft.indexed(t.ROUNDS, state):
            row = draft.must(t.ROUNDS, key)
            if row.freeze_height < height:
                events += _computed_again(draft, key, row, height, link)
    return events


def _computed_again(
    draft: Draft, key: bytes, row: o.NettingRound, height: int, link: bytes
) -> list[Event]:
    # Debts of a batch that was cancelled with the declaration are gone already.
    idents = [ident for ident in row.obligations if draft.row(t.OBLIGATIONS.key(ident)) is not None]
    debts = [t.OBLIGATIONS.key(ident) for ident in idents]
    parties: dict[Party, None] = {}
    for debt in (draft.must(t.OBLIGATIONS, one) for one in debts):
        parties |= {debt.debtor: None, debt.creditor: None}
    out = [one for one in sorted(parties) if cases.in_default(draft, one)]
    out = [party for party in out if not cases.pays_on(draft, party)]
    if not out and len(idents) == len(row.obligations):
        return []
    _dissolve(draft, key, row, idents, sorted(parties))
    torn = {
        draft.must(t.OBLIGATIONS, one).instruction for one in debts if _touches(draft, one, out)
    }
    kept, receivers = [], set()
    for one in debts:
        debt = draft.must(t.OBLIGATIONS, one)
        whole = not debt.instruction or debt.instruction not in torn
        if whole and not _touches(draft, one, out):
            kept.append(one)
            receivers.add(debt.creditor)
    again = rounds.open_round(draft, kept, row.date, height, link) if kept else None
    number = 0 if again is None else again.number
    told = RoundRecomputed(row.number, number, tuple(out), tuple(sorted(receivers)))
    return [told] if again is None else [told, again]


def _touches(draft: Draft, key: bytes, out: list[Party]) -> bool:
    debt = draft.must(t.OBLIGATIONS, key)
    return debt.debtor in out or debt.creditor in out


def _dissolve(
    draft: Draft, key: bytes, row: o.NettingRound, idents: list[bytes], parties: list[Party]
) -> None:
    """Its obligations are open again; what was cancelled or published for it is gone."""
    for ident in row.obligations:
        draft.delete(t.FLOWS.key(row.number, ident))
    for ident in idents:
        debt_key = t.OBLIGATIONS.key(ident)
        debt = draft.must(t.OBLIGATIONS, debt_key)
        overdue = draft.get(t.OVERDUES, t.OVERDUES.key(ident)) is not None
        state = o.ObligationState.FAILED if overdue else o.ObligationState.OPEN
        draft.put(t.OBLIGATIONS, debt_key, msgspec.structs.replace(debt, state=state))
    for party in parties:
        for figures in row.figures:
            draft.delete(t.PAY_INS.key(row.number, party, figures.asset))
    gone = msgspec.structs.replace(row, state=o.RoundState.RECOMPUTED, obligations=())
    draft.put(t.ROUNDS, key, gone)
