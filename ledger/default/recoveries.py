"""Recoveries: what comes back from a defaulter, to those who bore its losses.

Whoever paid is subrogated to the claim of whom it paid, in proportion; residuals and retentions
stay with their creditors. Repaid in reverse order of the waterfall, or all in proportion.
"""

import msgspec

from ledger import cash, checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import DistributeRecovery, RecordRecovery, ReleaseEstate
from ledger.default import cases, fund, notices
from ledger.events import Event, RecoveryPaid, RecoveryRecorded
from ledger.state import Draft
from ledger.waterfall import repay
from wire.ids import Lei, Party


def record(draft: Draft, action: RecordRecovery) -> list[Event]:
    """Money paid in for a case by anybody; raises a `Rejection`."""
    currency = draft.must(t.RULEBOOK, t.rulebook_key()).currency
    source = t.own_account(action.payer, currency)
    return _recorded(draft, action.case, source, action.amount, action.payer, action.reference)


def release(draft: Draft, action: ReleaseEstate) -> list[Event]:
    """Money of the estate, by the authority; raises a `Rejection`."""
    notices.check_authority(draft, action.authority)
    row = cases.must_be_in(draft, action.case, o.CaseState.RECOVERY)
    currency = draft.must(t.RULEBOOK, t.rulebook_key()).currency
    source = t.estate(row.defaulter, action.case, currency)
    return _recorded(draft, action.case, source, action.amount, row.defaulter, action.reference)


def _recorded(
    draft: Draft, number: int, source: bytes, amount: int, payer: Lei, reference: str
) -> list[Event]:
    checks.amount(amount)
    checks.text(reference)
    row = cases.must_be_in(draft, number, o.CaseState.RECOVERY)
    currency = draft.must(t.RULEBOOK, t.rulebook_key()).currency
    cash.move(draft, source, t.recovered(row.defaulter, number, currency), amount)
    cases.put(draft, number, msgspec.structs.replace(row, recovered=row.recovered + amount))
    return [RecoveryRecorded(number, payer, amount, reference)]


def distribute(draft: Draft, action: DistributeRecovery) -> list[Event]:
    """Pay out what has been recovered; anybody may ask for it. Raises a `Rejection`."""
    number = action.case
    row = cases.must_be_in(draft, number, o.CaseState.RECOVERY)
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    pot = t.recovered(row.defaulter, number, rulebook.currency)
    amount = cash.free(draft, pot)
    if not amount:
        raise r.NothingToDistribute(f"case {number} has recovered {row.recovered}, all paid out")
    keys = [key for key in draft.indexed(t.LOSS_SHARES, number) if _counts(draft, key)]
    rows = [draft.must(t.LOSS_SHARES, key) for key in keys]
    borne = [
        (t.LOSS_SHARES.parts(key)[1], share.amount - share.repaid)
        for key, share in zip(keys, rows, strict=True)
    ]
    events: list[Event] = []
    why = cases.basis(row, o.Clause.RECOVERIES)
    parts = repay(amount, borne, cases.rules_of(draft, row).repay)
    for key, share, part in zip(keys, rows, parts, strict=True):
        if part:
            bearer: str = t.LOSS_SHARES.parts(key)[2]
            cash.credit(draft, pot, -part)
            _repaid(draft, share.tranche, bearer, part)
            paid = msgspec.structs.replace(share, repaid=share.repaid + part)
            draft.put(t.LOSS_SHARES, key, paid)
            events.append(RecoveryPaid(number, share.tranche, bearer, part, why))
    total = sum(event.amount for event in events if isinstance(event, RecoveryPaid))
    row = msgspec.structs.replace(row, repaid=row.repaid + total)
    cases.put(draft, number, row)
    if total == sum(open_ for _, open_ in borne):
        rest = amount - total
        if rest:
            cash.move(draft, pot, t.estate(row.defaulter, number, rulebook.currency), rest)
        closed = cases.move(draft, number, row, o.CaseState.CLOSED, 0, "everybody is repaid")
        events.append(closed)
    return events


def _counts(draft: Draft, key: bytes) -> bool:
    """What the defaulter's own resources bore is not repaid to anybody."""
    tranche = draft.must(t.LOSS_SHARES, key).tranche
    return tranche not in (o.Tranche.IM, o.Tranche.DEFAULTER)


def _repaid(draft: Draft, tranche: o.Tranche, bearer: str, amount: int) -> None:
    """To where the bearer's money came from: capital, contribution, or the creditor's account."""
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    if tranche == o.Tranche.CAPITAL:
        cash.credit(draft, t.capital(bearer, rulebook.service, rulebook.currency), amount)
    elif tranche in (o.Tranche.RETENTION, o.Tranche.RESIDUAL) or cases.in_default(
        draft, Party(bearer)
    ):
        account = cases.receiving_account(draft, Party(bearer), rulebook.currency)
        cash.credit(draft, account, amount)
    else:
        fund.restore(draft, Lei(bearer), amount)
