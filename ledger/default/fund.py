"""The default fund: contributions, the operator's capital, and what may be taken back.

Each member's balance in the fund = paid in + restored - withdrawn - used (invariant 7). Nobody
takes anything back while a case is open anywhere, or while it has an unpaid debt or a notice.
"""

import msgspec

from ledger import calls, cash, checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import ContributeFund, PostCapital, WithdrawFund
from ledger.default import cases
from ledger.events import Event, FundMoved
from ledger.state import Draft, State
from wire.ids import Lei, member_of

NO_CONTRIBUTION = o.Contribution(0, 0, 0, 0, 0, ())


def fund(state: State | Draft) -> o.DefaultFund:
    """The fund of the rulebook's service."""
    rulebook = state.must(t.RULEBOOK, t.rulebook_key())
    row = state.get(t.FUNDS, t.FUNDS.key(rulebook.service))
    return row or o.DefaultFund(rulebook.currency, 0, 0, 0, 0, 0, 0, "", (), False)


def put_fund(draft: Draft, row: o.DefaultFund) -> None:
    """Write the fund."""
    service = draft.must(t.RULEBOOK, t.rulebook_key()).service
    draft.put(t.FUNDS, t.FUNDS.key(service), row)


def held(row: o.DefaultFund) -> int:
    """What is in the fund."""
    return row.paid_in + row.restored - row.withdrawn - row.used


def contribution(state: State | Draft, lei: Lei) -> int:
    """What a member has in the fund."""
    rulebook = state.must(t.RULEBOOK, t.rulebook_key())
    row = state.get(t.BALANCES, t.contribution(lei, rulebook.service, rulebook.currency))
    return 0 if row is None else row.balance


def contributors(draft: Draft) -> list[Lei]:
    """Everybody who has, or had, a contribution."""
    return [t.CONTRIBUTIONS.parts(key)[1] for key in draft.indexed(t.CONTRIBUTIONS, 0)]


def row_of(draft: Draft, lei: Lei) -> o.Contribution:
    """A member's row; zeros if it has never contributed."""
    service = draft.must(t.RULEBOOK, t.rulebook_key()).service
    return draft.get(t.CONTRIBUTIONS, t.CONTRIBUTIONS.key(service, lei)) or NO_CONTRIBUTION


def put_row(draft: Draft, lei: Lei, row: o.Contribution) -> None:
    """Write a member's row."""
    service = draft.must(t.RULEBOOK, t.rulebook_key()).service
    draft.put(t.CONTRIBUTIONS, t.CONTRIBUTIONS.key(service, lei), row)


def contribute(draft: Draft, action: ContributeFund) -> list[Event]:
    """Pay into the fund; raises a `Rejection`."""
    service, asset = _service(draft, action.service)
    checks.amount(action.amount)
    source = t.own_account(action.member, asset)
    cash.move(draft, source, t.contribution(action.member, service, asset), action.amount)
    _add(draft, action.member, paid_in=action.amount)
    return [FundMoved(service, action.member, action.amount, False)]


def withdraw(draft: Draft, action: WithdrawFund) -> list[Event]:
    """Take back what exceeds the requirement; raises a `Rejection`."""
    service, asset = _service(draft, action.service)
    checks.amount(action.amount)
    open_cases = cases.in_states(draft, cases.OPEN)
    if open_cases:
        raise r.FundLocked(f"case {open_cases[0][0]} is open")
    if owes(draft, action.member):
        raise r.FundLocked(f"{action.member} has an unpaid debt")
    has, required = contribution(draft, action.member), row_of(draft, action.member).required
    if has - action.amount < required:
        raise r.BelowRequirement(f"has {has}, requirement is {required}")
    target = t.own_account(action.member, asset)
    cash.move(draft, t.contribution(action.member, service, asset), target, action.amount)
    _add(draft, action.member, withdrawn=action.amount)
    return [FundMoved(service, action.member, -action.amount, False)]


def post_capital(draft: Draft, action: PostCapital) -> list[Event]:
    """The operator puts capital in; raises a `Rejection`."""
    service, asset = _service(draft, action.service)
    checks.amount(action.amount)
    operator = draft.must(t.RULEBOOK, t.rulebook_key()).default.operator
    if action.operator != operator:
        raise r.NotTheOperator(f"the operator is {operator or 'nobody'}")
    source = t.own_account(operator, asset)
    cash.move(draft, source, t.capital(operator, service, asset), action.amount)
    return [FundMoved(service, operator, action.amount, True)]


def use(draft: Draft, lei: Lei, amount: int) -> None:
    """Take `amount` of a member's contribution for losses; who calls moves it on."""
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    account = t.contribution(lei, rulebook.service, rulebook.currency)
    cash.credit(draft, account, -amount)
    _add(draft, lei, used=amount)


def restore(draft: Draft, lei: Lei, amount: int) -> None:
    """Put a recovered `amount` back into a member's contribution; who calls takes it from there."""
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    cash.credit(draft, t.contribution(lei, rulebook.service, rulebook.currency), amount)
    _add(draft, lei, restored=amount)


def owes(draft: Draft, lei: Lei) -> bool:
    """Whether the member has failed a debt or a call that is still there."""
    if calls.unmet(draft, lei):
        return True
    for key in draft.indexed(t.OVERDUES, 0):
        debt = draft.get(t.OBLIGATIONS, t.OBLIGATIONS.key(t.OVERDUES.parts(key)[0]))
        if debt is not None and member_of(debt.debtor) == lei:
            return True
    return False


def _service(draft: Draft, name: str) -> tuple[str, str]:
    rulebook = draft.must(t.RULEBOOK, t.rulebook_key())
    if name != rulebook.service:
        raise r.UnknownService(f"{name[:40]}, the service is {rulebook.service}")
    return rulebook.service, rulebook.currency


def _add(draft: Draft, lei: Lei, **amounts: int) -> None:
    """Count a movement in the member's row and in the fund's."""
    row, total = row_of(draft, lei), fund(draft)
    put_row(draft, lei, msgspec.structs.replace(row, **_sums(row, amounts)))
    put_fund(draft, msgspec.structs.replace(total, **_sums(total, amounts)))


def _sums(row: o.Contribution | o.DefaultFund, amounts: dict[str, int]) -> dict[str, int]:
    return {name: getattr(row, name) + amount for name, amount in amounts.items()}
