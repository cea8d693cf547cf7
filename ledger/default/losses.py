"""The waterfall on the ledger: claims of cases that are decided together, and who bears them.

Cases whose claims are fixed wait for those that were declared before the first of them was fixed;
then one waterfall allocates the losses of all, each shared tranche once, by the rules of the first
case's notice.
"""

from collections import defaultdict

import msgspec

from ledger import cash
from ledger import objects as o
from ledger import tables as t
from ledger.default import cases, collateral, fund
from ledger.default.prices import Prices
from ledger.events import ClaimCovered, Event, TrancheBears
from ledger.state import Draft
from ledger.waterfall import Case, Claim, Outcome, Resources, Step, Terms, fall
from wire.ids import Lei, member_of

FROM_FUND = (
    o.Tranche.DEFAULTER,
    o.Tranche.OWN_CONTRIBUTION,
    o.Tranche.SURVIVORS,
    o.Tranche.SURVIVORS_BY_RANK,
)


def due(draft: Draft) -> list[Event]:
    """Allocate the losses of the cases that are ready, all together."""
    ready = cases.in_states(draft, (o.CaseState.WATERFALL,))
    if not ready:
        return []
    first = min(row.fixed for _, row in ready)
    unpriced = cases.in_states(draft, cases.UNPRICED)
    if any(row.declared <= first for _, row in unpriced):
        return []
    return _Allocation(draft, dict(ready)).run()


class _Allocation:
    """One waterfall under way."""

    def __init__(self, draft: Draft, rows: dict[int, o.DefaultCase]) -> None:
        rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
        self._draft = draft
        self._rows = rows
        self._rulebook = rulebook
        first = rows[min(rows)]
        self._rules = cases.rules_of(draft, first)
        self._basis = cases.basis(first, o.Clause.WATERFALL)
        self._prices = {number: Prices(draft, number, row) for number, row in rows.items()}
        self._sets: dict[tuple[int, str, str], o.CloseOut] = {
            (number, one.debtor, one.creditor): one
            for number in rows
            for _, one in cases.close_outs(draft, number)
        }
        self._events: list[Event] = []

    def run(self) -> list[Event]:
        """Claims, waterfall, cash, and what is left on record of it."""
        draft, rules = self._draft, self._rules
        terms = Terms(rules.order, rules.retention_bps)
        outcome = fall(self._claims(), self._resources(), terms)
        covered: dict[int, list[o.TrancheSum]] = defaultdict(list)
        applied: dict[int, dict[o.Tranche, int]] = {number: {} for number in self._rows}
        for place, step in enumerate(outcome.steps):
            self._move(outcome, step)
            self._record(place, step, applied)
            for n, amount in step.paid.items():
                covered[n].append(o.TrancheSum(step.tranche, amount))
        for n, claim in enumerate(outcome.claims):
            self._put_claim(claim, covered[n])
        for (number, _, _), one in self._sets.items():
            self._events += collateral.surplus(draft, number, self._rows[number], one)
        for number, row in self._rows.items():
            self._close(number, row, applied[number])
        return self._events

    def _claims(self) -> list[Claim]:
        return [
            Claim(
                creditor=one.creditor,
                debtor=one.debtor,
                case=number,
                member=member_of(one.creditor),
                amount=one.amount,
                im=collateral.worth(self._draft, one, self._prices[number]),
                eligible=0 if cases.in_default(self._draft, one.creditor) else one.eligible,
                bearer=one.guarantor or "",
            )
            for (number, _, _), one in self._sets.items()
            if one.state == o.CloseOutState.CLAIM or (one.guarantor and one.amount > 0)
        ]

    def _resources(self) -> Resources:
        draft = self._draft
        found = {
            number: Case(row.defaulter, fund.contribution(draft, row.defaulter))
            for number, row in self._rows.items()
        }
        survivors = [
            lei
            for lei in fund.contributors(draft)
            if draft.must(t.MEMBERS, t.MEMBERS.key(lei)).state != o.MemberState.DEFAULTED
        ]
        return Resources(
            cases=found,
            capital=cash.free(draft, self._capital()) if self._rules.operator else 0,
            operator=self._rules.operator or "",
            contributions={lei: fund.contribution(draft, lei) for lei in survivors},
        )

    def _capital(self) -> bytes:
        operator = self._rules.operator
        assert operator is not None
        return t.capital(operator, self._rulebook.service, self._rulebook.currency)

    def _move(self, outcome: Outcome, step: Step) -> None:
        """Cash from the bearers of a funded tranche to the claims that it pays."""
        draft, currency = self._draft, self._rulebook.currency
        if step.tranche == o.Tranche.IM:
            for n, amount in step.paid.items():
                claim = outcome.claims[n]
                one = self._sets[claim.case, claim.debtor, claim.creditor]
                self._events += collateral.take(draft, one, amount, self._prices[claim.case])
            return
        if step.tranche in FROM_FUND:
            for borne in step.borne:
                fund.use(draft, Lei(borne.bearer), borne.amount)
        elif step.tranche == o.Tranche.CAPITAL:
            cash.credit(draft, self._capital(), -sum(borne.amount for borne in step.borne))
        else:
            return  # retention and residuals: nobody pays
        for n, amount in step.paid.items():
            claim = outcome.claims[n]
            one = self._sets[claim.case, claim.debtor, claim.creditor]
            target = cases.receiving_account(draft, cases.beneficiary(one), currency)
            cash.credit(draft, target, amount)

    def _record(self, place: int, step: Step, applied: dict[int, dict[o.Tranche, int]]) -> None:
        for case, bearer, amount in step.borne:
            key = t.LOSS_SHARES.key(case, place, bearer)
            self._draft.put(t.LOSS_SHARES, key, o.LossShare(case, step.tranche, amount, 0))
            so_far = applied[case].get(step.tranche, 0)
            applied[case][step.tranche] = so_far + amount
            self._events.append(
                TrancheBears(case, place, step.tranche, step.rank, bearer, amount, self._basis)
            )

    def _put_claim(self, claim: Claim, covered: list[o.TrancheSum]) -> None:
        one = self._sets[claim.case, claim.debtor, claim.creditor]
        residual = sum(x.amount for x in covered if x.tranche == o.Tranche.RESIDUAL)
        paid = tuple(x for x in covered if x.tranche != o.Tranche.RESIDUAL)
        retained = sum(x.amount for x in covered if x.tranche == o.Tranche.RETENTION)
        row = o.LossClaim(claim.amount, claim.eligible, paid, residual)
        key = t.LOSS_CLAIMS.key(claim.case, claim.debtor, claim.creditor)
        self._draft.put(t.LOSS_CLAIMS, key, row)
        self._events.append(
            ClaimCovered(
                claim.case, one.debtor, one.creditor, claim.amount,
                claim.amount - retained - residual, retained, residual,
            )
        )  # fmt: skip

    def _close(self, number: int, row: o.DefaultCase, applied: dict[o.Tranche, int]) -> None:
        """The case waits for recoveries if anybody but the defaulter has borne anything."""
        sums = tuple(o.TrancheSum(tranche, amount) for tranche, amount in applied.items())
        done = msgspec.structs.replace(row, loss=sum(applied.values()), applied=sums)
        others = any(tranche not in (o.Tranche.IM, o.Tranche.DEFAULTER) for tranche in applied)
        open_end = others and cases.rules_of(self._draft, row).recourse == o.Recourse.FULL
        state = o.CaseState.RECOVERY if open_end else o.CaseState.CLOSED
        why = "losses are allocated"
        self._events.append(cases.move(self._draft, number, done, state, 0, why))
