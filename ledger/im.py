"""Initial margin: what each party of a netting set has in contract custody, and how it moves.

Custody is an account that neither party controls: it moves only by post, return of excess,
substitution, close-out, novation and release at the end of the set (docs/RULEBOOK.md, rule 4).
"""

from collections.abc import Iterable

from ledger import cash, checks, csa
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.events import Event, ImMoved
from ledger.requirement import carried, price_of, required
from ledger.state import Draft
from wire.ids import AssetCode, Party
from wire.money import BPS, Rounding, muldiv


# -------------------------------------------------------------------- what is there
def held(draft: Draft, terms: o.Csa, poster: Party, secured: Party) -> int:
    """The value of what `poster` has in custody for `secured`, after haircuts."""
    total = 0
    for entry in terms.eligible:
        if checks.issuer_has_defaulted(draft, entry.asset):
            continue
        amount = cash.balance(draft, t.im_escrow(poster, secured, entry.asset)).balance
        total += worth(draft, terms, entry, amount)
    return total


def worth(draft: Draft, terms: o.Csa, entry: o.EligibleAsset, amount: int) -> int:
    """The value of an amount of an eligible asset after its haircut, rounded down."""
    up, down = price_of(draft, terms, entry.asset, entry.feed)
    return muldiv(amount * up, BPS - entry.haircut_bps, down * BPS, Rounding.FLOOR)


def shortfall(draft: Draft, terms: o.Csa, poster: Party, secured: Party, needed: int) -> int:
    """What is missing in custody; 0 if there is enough."""
    return max(0, needed - held(draft, terms, poster, secured))


# -------------------------------------------------------------------- routes into custody
def lock(draft: Draft, terms: o.Csa) -> list[Event]:
    """Bring both parties to what is required, from their free assets in the CSA's order; raises
    `ImShort`. A trade is live only if this succeeds in the same transition."""
    needed = required(draft, terms)
    events: list[Event] = []
    for poster, secured, amount in (
        (terms.first, terms.second, needed.first),
        (terms.second, terms.first, needed.second),
    ):
        missing = shortfall(draft, terms, poster, secured, amount)
        if missing:
            events += collect(draft, terms, poster, secured, missing)
            rest = shortfall(draft, terms, poster, secured, amount)
            if rest:
                raise r.ImShort(f"{poster} must post {amount}, {rest} is missing")
    return events


def collect(draft: Draft, terms: o.Csa, poster: Party, secured: Party, missing: int) -> list[Event]:
    """Move free eligible assets worth up to `missing` into custody; as much as there is."""
    events: list[Event] = []
    for entry in terms.eligible:
        if missing <= 0:
            break
        if not _may_post(draft, poster, entry.asset):
            continue
        up, down = price_of(draft, terms, entry.asset, entry.feed)
        if not up:
            continue
        free = cash.free(draft, t.own_account(poster, entry.asset))
        wanted = muldiv(missing * down, BPS, up * (BPS - entry.haircut_bps), Rounding.CEIL)
        amount = min(free, wanted)
        if amount:
            events.append(_move(draft, poster, secured, entry.asset, amount, "POST"))
            missing -= worth(draft, terms, entry, amount)
    return events


def check_postable(draft: Draft, terms: o.Csa, poster: Party, asset: AssetCode) -> None:
    """The CSA lists the asset and the poster's group has not issued it; raises `NotEligible`."""
    if all(entry.asset != asset for entry in terms.eligible):
        raise r.NotEligible(f"{asset[:32]} is not in the CSA")
    if not _may_post(draft, poster, asset):
        raise r.NotEligible(f"{asset} is issued by the group of {poster}")


def _may_post(draft: Draft, poster: Party, asset: AssetCode) -> bool:
    if checks.issuer_has_defaulted(draft, asset):
        return False
    return not checks.is_of_group(draft, checks.asset(draft, asset).issuer, poster)


def move_in(
    draft: Draft, poster: Party, secured: Party, asset: AssetCode, amount: int, route: str
) -> Event:
    """From the poster's own account into custody; raises `InsufficientFunds`."""
    return _move(draft, poster, secured, asset, amount, route)


def move_out(
    draft: Draft, poster: Party, secured: Party, asset: AssetCode, amount: int, route: str
) -> Event:
    """From custody back to the poster; raises `InsufficientFunds`."""
    return _move(draft, poster, secured, asset, -amount, route)


def _move(
    draft: Draft, poster: Party, secured: Party, asset: AssetCode, amount: int, route: str
) -> Event:
    custody = t.im_escrow(poster, secured, asset)
    if amount > 0:
        cash.move(draft, t.own_account(poster, asset), custody, amount)
    else:
        cash.move(draft, custody, cash.paid_into(draft, poster, asset), -amount)
    return ImMoved(poster, secured, asset, amount, route)


# -------------------------------------------------------------------- routes out of it
def release_if_ended(draft: Draft, row: o.NettingSet) -> list[Event]:
    """When the last contract of a set has ended and everything has settled, custody is emptied."""
    terms = csa.signed(draft, row.first, row.second)
    if terms is None or any(_is_open(entry) for entry in row.positions):
        return []
    return _all_out(draft, terms, ((row.first, row.second), (row.second, row.first)), "RELEASE")


def _is_open(entry: o.Settled) -> bool:
    return bool(entry.live or entry.settled or entry.held_first or entry.held_second)


def _all_out(
    draft: Draft, terms: o.Csa, ways: Iterable[tuple[Party, Party]], route: str
) -> list[Event]:
    events: list[Event] = []
    for poster, secured in ways:
        for entry in terms.eligible:
            amount = cash.balance(draft, t.im_escrow(poster, secured, entry.asset)).balance
            if amount:
                events.append(move_out(draft, poster, secured, entry.asset, amount, route))
    return events


def return_excess(
    draft: Draft, terms: o.Csa, poster: Party, secured: Party, route: str
) -> list[Event]:
    """Give back what exceeds the requirement, last eligible asset first, in whole minor units;
    nothing while a price that it rests on is only carried forward."""
    if carried(draft, terms) is not None:
        return []
    needed = required(draft, terms)
    floor = needed.first if poster == terms.first else needed.second
    events: list[Event] = []
    for entry in reversed(terms.eligible):
        surplus = held(draft, terms, poster, secured) - floor
        if surplus <= 0:
            break
        balance = cash.balance(draft, t.im_escrow(poster, secured, entry.asset)).balance
        up, down = price_of(draft, terms, entry.asset, entry.feed)
        # Floor: taking one unit less never takes more value than the surplus.
        most = (
            muldiv(surplus * down, BPS, up * (BPS - entry.haircut_bps), Rounding.FLOOR)
            if up
            else balance
        )
        amount = min(balance, most)
        if amount:
            events.append(move_out(draft, poster, secured, entry.asset, amount, route))
    return events
