"""Initial margin at close-out: its worth for a claim, taking it, and what is left of it."""

from ledger import cash, csa, im, requirement
from ledger import objects as o
from ledger import tables as t
from ledger.default import cases, estate
from ledger.default.prices import Prices
from ledger.events import Event, ImMoved
from ledger.state import Draft
from wire.money import BPS, Rounding, muldiv


def worth(draft: Draft, one: o.CloseOut, prices: Prices) -> int:
    """What the defaulter has in custody for the creditor, after haircuts, in the currency."""
    terms = csa.signed(draft, one.debtor, one.creditor)
    if terms is None:
        return 0
    held = im.held(draft, terms, one.debtor, one.creditor)
    return prices.converted(terms.im.currency, held) or 0


def take(draft: Draft, one: o.CloseOut, amount: int, prices: Prices) -> list[Event]:
    """Give the creditor margin worth `amount` of the currency, in the CSA's order of assets; of the
    last asset, the units that cover the rest."""
    terms = csa.signed(draft, one.debtor, one.creditor)
    assert terms is not None, one
    held = im.held(draft, terms, one.debtor, one.creditor)
    whole = prices.converted(terms.im.currency, held) or 0
    wanted = held if amount >= whole else muldiv(amount, held, whole, Rounding.CEIL)
    events: list[Event] = []
    for entry in terms.eligible:
        up, down = requirement.price_of(draft, terms, entry.asset, entry.feed)
        source = t.im_escrow(one.debtor, one.creditor, entry.asset)
        balance = cash.balance(draft, source).balance
        if wanted <= 0 or not up or not balance:
            continue
        units = muldiv(wanted * down, BPS, up * (BPS - entry.haircut_bps), Rounding.CEIL)
        units = min(units, balance)
        wanted -= im.worth(draft, terms, entry, units)
        target = cases.receiving_account(draft, cases.beneficiary(one), entry.asset)
        cash.move(draft, source, target, units)
        events.append(ImMoved(one.debtor, one.creditor, entry.asset, -units, "CLOSE_OUT"))
    return events


def surplus(draft: Draft, number: int, row: o.DefaultCase, one: o.CloseOut) -> list[Event]:
    """What is left of the defaulter's margin is its estate's."""
    events: list[Event] = []
    for asset in estate.assets(draft):
        source = t.im_escrow(one.debtor, one.creditor, asset)
        events += estate.credit(draft, number, row, source, asset, "surplus initial margin")
    return events
