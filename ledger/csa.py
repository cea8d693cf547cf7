"""Bilateral terms: what two parties have signed, or the rulebook's standard terms."""

from typing import Final

from ledger import checks
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import AmendCsa, RegisterCsa
from ledger.events import CsaSigned, Event
from ledger.rulebook import basis
from ledger.state import Draft, State
from wire import ids
from wire.ids import AssetCode, Date
from wire.limits import AMOUNT_MAX
from wire.money import BPS

HASH_BYTES: Final = 32
LIST_MAX: Final = 64
"""Entries of each list of a CSA."""


def signed(draft: Draft | State, one: str, other: str) -> o.Csa | None:
    """The CSA of two parties, in either order; None: standard terms."""
    return draft.get(t.CSAS, t.CSAS.key(min(one, other), max(one, other)))


def currency_terms(csa: o.Csa | None, rulebook: o.Rulebook, asset: AssetCode) -> o.CurrencyTerms:
    """Variation margin in one currency: as signed, or the rulebook's standard."""
    for entry in () if csa is None else csa.currencies:
        if entry.asset == asset:
            return entry
    return o.CurrencyTerms(
        asset=asset,
        threshold_first=0,
        threshold_second=0,
        minimum_transfer_amount=rulebook.minimum_transfer_amount,
        rounding_unit=rulebook.rounding_unit,
        interest_bps=0,
        interest_feed=None,
        day_basis=360,
    )


def is_netted(csa: o.Csa | None, date: Date) -> bool:
    """Whether close-out netting is taken to hold: by the rulebook, or by a valid opinion."""
    return csa is None or (csa.opinion is not None and csa.opinion.expiry >= date)


def register(draft: Draft, action: RegisterCsa) -> list[Event]:
    """Two parties' first CSA; raises a `Rejection`."""
    key = t.CSAS.key(action.csa.first, action.csa.second)
    if draft.get(t.CSAS, key) is not None:
        raise r.CsaExists(f"of {action.csa.first} and {action.csa.second}")
    return _put(draft, action.csa, 1)


def amend(draft: Draft, action: AmendCsa) -> list[Event]:
    """The next version; it holds from the next cycle on. Raises a `Rejection`."""
    old = draft.get(t.CSAS, t.CSAS.key(action.csa.first, action.csa.second))
    if old is None:
        raise r.NoCsa(f"of {action.csa.first} and {action.csa.second}")
    row = draft.get(t.NETTING_SETS, t.NETTING_SETS.key(old.first, old.second))
    live = row is not None and any(entry.live for entry in row.positions)
    if live and (old.mode, old.im.currency) != (action.csa.mode, action.csa.im.currency):
        raise r.BadCsa("mode and currency of initial margin stay while contracts are live")
    _keep_what_is_posted(draft, old, action.csa)
    return _put(draft, action.csa, old.version + 1)


def _keep_what_is_posted(draft: Draft, old: o.Csa, new: o.Csa) -> None:
    """An asset in custody stays eligible: nothing could bring it out again otherwise."""
    listed = [entry.asset for entry in new.eligible]
    for entry in old.eligible:
        for poster, secured in ((old.first, old.second), (old.second, old.first)):
            row = draft.get(t.BALANCES, t.im_escrow(poster, secured, entry.asset))
            if entry.asset not in listed and row is not None and row.balance:
                raise r.BadCsa(f"{entry.asset} is in custody: {row.balance} of {poster}")


def _put(draft: Draft, csa: o.Csa, version: int) -> list[Event]:
    if csa.version != version:
        raise r.BadCsa(f"version {csa.version}, the next one is {version}")
    _check(draft, csa)
    draft.put(t.CSAS, t.CSAS.key(csa.first, csa.second), csa)
    return [CsaSigned(csa.first, csa.second, version, basis(draft, o.Clause.MARGIN))]


def check_parties(draft: Draft, csa: o.Csa) -> None:
    """Two parties of different members, in order, that may trade."""
    for party in (csa.first, csa.second):
        checks.trading_party(draft, party)
    if csa.first >= csa.second or ids.member_of(csa.first) == ids.member_of(csa.second):
        raise r.BadCsa(f"parties {csa.first} and {csa.second}, ascending, of two members")


def _check(draft: Draft, csa: o.Csa) -> None:
    """Every field is possible, and within the bounds of the network's rulebook."""
    check_parties(draft, csa)
    bounds = draft.must(t.RULEBOOK, t.rulebook_key()).terms
    checks.text(csa.governing_law)
    _require(len(csa.legal_text_hash) == HASH_BYTES, "the legal text's SHA-256 has 32 bytes")
    _require(0 <= csa.grace_blocks <= bounds.grace_blocks_max, "grace")
    _require(0 <= csa.cut_off_blocks <= bounds.grace_blocks_max, "cut-off")
    _require(0 <= csa.mark_tolerance <= AMOUNT_MAX, "mark tolerance")
    lists = (csa.currencies, csa.eligible, csa.oracles, csa.guarantors)
    _require(all(len(entries) <= LIST_MAX for entries in lists), "a list is too long")
    codes = [entry.asset for entry in csa.currencies]
    _require(codes == sorted(set(codes)), "currencies ascending, each once")
    for entry in csa.currencies:
        _check_currency(draft, entry, bounds)
        checks.not_own_issued(draft, entry.asset, csa.first, csa.second)
    for lei in (*csa.oracles, *csa.guarantors):
        checks.active_member(draft, lei)
    if csa.opinion is not None:
        checks.text(csa.opinion.jurisdiction)
        checks.text(csa.opinion.reference)
        ids.date(csa.opinion.expiry)
    _check_im(draft, csa, bounds)


def _check_currency(draft: Draft, entry: o.CurrencyTerms, bounds: o.TermsBounds) -> None:
    checks.asset(draft, entry.asset)
    thresholds = (entry.threshold_first, entry.threshold_second)
    _require(all(0 <= x <= bounds.threshold_max for x in thresholds), "threshold")
    _require(
        0 <= entry.minimum_transfer_amount <= bounds.minimum_transfer_max,
        "minimum transfer amount",
    )
    _require(1 <= entry.rounding_unit <= AMOUNT_MAX, "rounding unit")
    _require(-BPS <= entry.interest_bps <= BPS, "interest")
    _require(entry.day_basis in (360, 365), "day basis is 360 or 365")
    if entry.interest_feed is not None:
        _feed(draft, entry.interest_feed)


def _check_im(draft: Draft, csa: o.Csa, bounds: o.TermsBounds) -> None:
    im = csa.im
    checks.asset(draft, im.currency)
    _require(im.model in bounds.im_models, f"model {o.ImModel(im.model).name} is not admitted")
    fixed = (im.fixed_first, im.fixed_second)
    _require(all(0 <= x <= AMOUNT_MAX for x in fixed), "fixed initial margin")
    codes = [entry.asset for entry in csa.eligible]
    _require(len(codes) == len(set(codes)), "an eligible asset stands twice")
    for entry in csa.eligible:
        checks.asset(draft, entry.asset)
        _require(bounds.haircut_bps_min <= entry.haircut_bps < BPS or entry.feed is None, "haircut")
        _require(0 <= entry.haircut_bps < BPS, "haircut")
        _require((entry.feed is None) == (entry.asset == im.currency), "a price for all but cash")
        if entry.feed is not None:
            _feed(draft, entry.feed)
    if im.model == o.ImModel.HISTORICAL:
        _check_historical(im, bounds)


def _check_historical(im: o.ImTerms, bounds: o.TermsBounds) -> None:
    _require(bounds.confidence_bps_min <= im.confidence_bps < BPS, "confidence")
    _require(bounds.look_back_min <= im.look_back <= HISTORY_MAX, "look-back")
    _require(1 <= im.horizon <= 20, "horizon is 1 to 20 dates")
    _require(0 <= im.rise_bps_max <= 10 * BPS, "cap on the rise")
    if im.tool == o.Procyclicality.STRESS_WEIGHT:
        dates = im.stress_from is not None and im.stress_to is not None
        _require(dates, "the stressed period has two dates")
        _require(2_500 <= im.stress_bps <= BPS, "a stress weight of a quarter at least")
    if im.tool == o.Procyclicality.LONG_FLOOR:
        _require(im.look_back <= im.long_look_back <= HISTORY_MAX, "long look-back")


HISTORY_MAX: Final = 2_600
"""Scenarios of a look-back: ten years of business dates."""


def _feed(draft: Draft, code: str) -> None:
    if draft.get(t.FEEDS, t.FEEDS.key(code)) is None:
        raise r.UnknownFeed(f"feed {code[:40]}")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise r.BadCsa(what)
