"""Initial margin by the parties' own hand: post, take back excess, substitute, agree amounts."""

from ledger import calls, cash, checks, csa, im, requirement
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import AgreeIm, PostIm, ReturnExcessIm, SubstituteCollateral
from ledger.default import cases
from ledger.events import Event
from ledger.state import Draft
from wire.ids import AssetCode, Party, member_of
from wire.limits import AMOUNT_MAX


def post(draft: Draft, action: PostIm) -> list[Event]:
    """Bring an asset into custody; raises a `Rejection`."""
    terms = _terms(draft, action.party, action.counterparty)
    checks.amount(action.amount)
    im.check_postable(draft, terms, action.party, action.asset)
    moved = im.move_in(
        draft, action.party, action.counterparty, action.asset, action.amount, "POST"
    )
    return [moved, *calls.met(draft, terms, action.party, action.counterparty)]


def return_excess(draft: Draft, action: ReturnExcessIm) -> list[Event]:
    """Take back what the requirement does not need; raises a `Rejection`."""
    terms = _terms(draft, action.party, action.counterparty)
    checks.amount(action.amount)
    _check_free(draft, terms, action.party, action.counterparty)
    moved = _taken(draft, action.party, action.counterparty, action.asset, action.amount, "RETURN")
    _check_covered(draft, terms, action.party, action.counterparty)
    return [moved]


def substitute(draft: Draft, action: SubstituteCollateral) -> list[Event]:
    """One asset for another of at least equal value after haircut, in one transition."""
    party, other = action.party, action.counterparty
    terms = _terms(draft, party, other)
    checks.amount(action.take_amount)
    checks.amount(action.give_amount)
    im.check_postable(draft, terms, party, action.give)
    _check_free(draft, terms, party, other)
    entries = {entry.asset: entry for entry in terms.eligible}
    if action.take not in entries:
        raise r.NotEligible(f"{action.take[:32]} is not in the CSA")
    given = im.worth(draft, terms, entries[action.give], action.give_amount)
    taken = im.worth(draft, terms, entries[action.take], action.take_amount)
    if given < taken:
        raise r.ImNotFree(f"gives {given}, takes {taken} after haircuts")
    return [
        im.move_in(draft, party, other, action.give, action.give_amount, "SUBSTITUTION"),
        _taken(draft, party, other, action.take, action.take_amount, "SUBSTITUTION"),
    ]


def agree(draft: Draft, action: AgreeIm) -> list[Event]:
    """Amounts of the EXTERNAL model; more is called in the next cycle. Raises a `Rejection`."""
    terms = _terms(draft, action.first, action.second)
    if terms.im.model != o.ImModel.EXTERNAL or action.first != terms.first:
        raise r.BadCsa("the model is not EXTERNAL, or the parties are not in order")
    for amount in (action.amount_first, action.amount_second):
        if not 0 <= amount <= AMOUNT_MAX:
            raise r.BadAmount(f"is {amount}, must be 0 to {AMOUNT_MAX}")
    row = o.AgreedIm(action.amount_first, action.amount_second)
    draft.put(t.AGREED_IM, t.AGREED_IM.key(action.first, action.second), row)
    return []


def _terms(draft: Draft, one: Party, other: Party) -> o.Csa:
    terms = csa.signed(draft, one, other)
    if terms is None:
        raise r.NoCsa(f"of {one[:40]} and {other[:40]}")
    return terms


def _taken(
    draft: Draft, party: Party, other: Party, asset: AssetCode, amount: int, route: str
) -> Event:
    has = cash.balance(draft, t.im_escrow(party, other, asset)).balance
    if has < amount:
        raise r.ImNotFree(f"{has} of {asset[:32]} is in custody, {amount} asked for")
    return im.move_out(draft, party, other, asset, amount, route)


def _check_free(draft: Draft, terms: o.Csa, party: Party, other: Party) -> None:
    """Nothing returns to a member with an unmet call, a running notice or a dispute as debtor, nor
    from a set that is closed out, nor at a price that was only carried forward."""
    member = member_of(party)
    if cases.open_case(draft, member) is not None:
        raise r.ImNotFree(f"{member} has been given notice")
    if cases.is_closing_out(draft, other):
        raise r.ImNotFree(f"{other} is in default")
    if calls.unmet(draft, member):
        raise r.ImNotFree(f"{member} has a call that is not met")
    for key in draft.indexed(t.DISPUTES, 0):
        row = draft.must(t.DISPUTES, key)
        first, second, _ = t.DISPUTES.parts(key)
        rest = row.value_second - row.value_first
        if member in (member_of(first), member_of(second)) and rest:
            raise r.ImNotFree(f"{member} has a dispute with {second if member == first else first}")
    silent = requirement.carried(draft, terms)
    if silent is not None:
        raise r.ImNotFree(f"the last mark of {silent} was carried forward")


def _check_covered(draft: Draft, terms: o.Csa, party: Party, other: Party) -> None:
    needed = requirement.required(draft, terms)
    amount = needed.first if party == terms.first else needed.second
    missing = im.shortfall(draft, terms, party, other, amount)
    if missing:
        raise r.ImNotFree(f"{amount} is required, {missing} would be missing")
