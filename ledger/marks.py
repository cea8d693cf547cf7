"""Marks of a pair's own (levels L1 to L3), and the marks of an open date.

L1: both parties commit to, then reveal, integer values of their contracts, seen from the first
party; within the tolerance the value is their mean, half to even. L2: beyond it the undisputed
amount of the set moves at once, and the rest waits for the median of fresh oracle marks, for an
agreement, or for the next date's marks. L3: a silent party's contracts take the other's mark if it
is near the oracles' price, else that price; where no quorum has given one, the other's mark moves
provisionally, within the feed's jump limit of the last mark, and initial margin steps up until the
marks have a quorum or both sides' word again. The next cycle trues it up: what has settled bears
the interest that the CSA gives it.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import msgspec

from ledger import checks, csa, oracles, sets
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.actions import AgreeMark, CommitMark, SubmitContractMark, SubmitMark
from ledger.events import DisputeOpened, DisputeResolved, Event, MarksProvisional
from ledger.obligations import owe
from ledger.rulebook import basis
from ledger.state import Draft
from wire.codec import encode, sha256
from wire.ids import AssetCode, Date, Party, Uti
from wire.money import Rounding, muldiv

MARKS_MAX: Final = 1_000
"""Contracts of one submission."""

Pair = tuple[Party, Party]


# -------------------------------------------------------------------- L0: the open date
def latest(draft: Draft) -> Callable[[str], int | None]:
    """Prices for a cycle between two closes: the median of the open date where a quorum has
    marked the feed, else the last close."""
    network = draft.must(t.NETWORK, t.network_key())
    date = network.business_date
    medians = {} if date is None else oracles.medians(draft, date, 0)
    known: dict[str, int | None] = {}

    def price(feed: str) -> int | None:
        if feed not in known:
            known[feed] = medians[feed][0] if feed in medians else None
            if known[feed] is None and network.closed_date is not None:
                row = draft.get(t.MARKS, t.MARKS.key(feed, network.closed_date))
                known[feed] = None if row is None else row.value
        return known[feed]

    return price


# -------------------------------------------------------------------- L1: commit and reveal
def commit(draft: Draft, action: CommitMark) -> list[Event]:
    """Commit to marks for the open date, once; raises a `Rejection`."""
    key = _place(draft, action.party, action.counterparty, action.date)
    if draft.get(t.PARTY_MARKS, key) is not None:
        raise r.BadMarks(f"{action.party} has committed for {action.date}")
    if len(action.digest) != 32:
        raise r.BadMarks("the commitment is a SHA-256 digest")
    draft.put(t.PARTY_MARKS, key, o.PartyMarks(action.digest, None))
    return []


def reveal(draft: Draft, action: SubmitMark, height: int) -> list[Event]:
    """Reveal what was committed to: once both have, or after the cut-off. Raises a `Rejection`."""
    key = _place(draft, action.party, action.counterparty, action.date)
    row = draft.get(t.PARTY_MARKS, key)
    if row is None or row.marks is not None:
        raise r.BadMarks("commit first; what is revealed stays")
    if digest(action.salt, action.marks) != row.digest:
        raise r.BadMarks("salt and marks are not those of the commitment")
    other = t.PARTY_MARKS.key(*_pair(action.party, action.counterparty), action.counterparty)
    terms = csa.signed(draft, action.party, action.counterparty)
    assert terms is not None, "it was there at the commitment"
    opened = draft.must(t.NETWORK, t.network_key()).opened
    if draft.get(t.PARTY_MARKS, other) is None and height < opened + terms.cut_off_blocks:
        raise r.BadMarks(f"until block {opened + terms.cut_off_blocks} the other side may commit")
    _check_marks(draft, terms, action.marks)
    draft.put(t.PARTY_MARKS, key, o.PartyMarks(row.digest, action.marks))
    return []


def digest(salt: bytes, marks: tuple[o.ContractMark, ...]) -> bytes:
    """What a party commits to."""
    return sha256(encode(("dcn/marks/1", salt, marks)))


def _place(draft: Draft, party: Party, counterparty: Party, date: Date) -> bytes:
    terms = csa.signed(draft, party, counterparty)
    if terms is None or terms.mark_source != o.MarkSource.PARTIES:
        raise r.BadMarks("the parties have not agreed on marks of their own")
    today = draft.must(t.NETWORK, t.network_key()).business_date
    if date != today:
        raise r.DateNotOpen(f"date is {date}, open is {today}")
    return t.PARTY_MARKS.key(*_pair(party, counterparty), party)


def _pair(one: Party, other: Party) -> Pair:
    return (one, other) if one < other else (other, one)


def _check_marks(draft: Draft, terms: o.Csa, marks: tuple[o.ContractMark, ...]) -> None:
    utis = [mark.uti for mark in marks]
    if not 1 <= len(marks) <= MARKS_MAX or utis != sorted(set(utis)):
        raise r.BadMarks(f"1 to {MARKS_MAX} marks, ascending by UTI, each once")
    for mark in marks:
        contract = draft.get(t.CONTRACTS, t.CONTRACTS.key(mark.uti))
        if contract is None or contract.state != o.ContractState.LIVE:
            raise r.UnknownContract(f"{mark.uti[:52]}")
        trade = contract.trade
        if {trade.buyer, trade.seller} != {terms.first, terms.second}:
            raise r.BadMarks(f"{mark.uti} is another pair's")
        bound = sets.footprint(draft, trade).bound
        if abs(mark.value) > bound:
            raise r.BadMarks(f"{mark.uti} is marked {mark.value}, at most {bound} either way")


def forget(draft: Draft) -> None:
    """The date is closed: its commitments are done with."""
    for key in draft.indexed(t.PARTY_MARKS, 0):
        draft.delete(key)


# -------------------------------------------------------------------- what a cycle takes
class _Split(msgspec.Struct):
    """A set and currency whose parties disagree."""

    marks: list[o.DisputedMark]


class Agreed:
    """The values of a date for pairs that mark for themselves; all others are the oracles'."""

    def __init__(self, draft: Draft, date: Date) -> None:
        self._date = date
        self._pairs: dict[Pair, tuple[o.Csa, dict[Uti, int] | None, dict[Uti, int] | None]] = {}
        self.splits: dict[tuple[Party, Party, AssetCode], _Split] = {}
        self._provisional: dict[Pair, None] = {}
        for key in draft.indexed(t.CSAS, o.MarkSource.PARTIES):
            terms = draft.must(t.CSAS, key)
            pair = (terms.first, terms.second)
            one, two = (_revealed(draft, pair, party) for party in pair)
            self._pairs[pair] = (terms, one, two)

    def value(self, trade: o.Trade, asset: AssetCode, by_oracles: int, jump: int | None) -> int:
        """A contract's value seen from the buyer; `by_oracles` is what the feed says of it.

        `jump`: without a quorum, how far from the last mark's value one side's word may take it.
        """
        pair = _pair(trade.buyer, trade.seller)
        if pair not in self._pairs:
            return by_oracles
        terms, one, two = self._pairs[pair]
        first, second = (None if m is None else m.get(trade.uti) for m in (one, two))
        fallback = sets.seen_from_first(trade, by_oracles)
        if first is not None and second is not None:
            if abs(first - second) <= terms.mark_tolerance:
                value = muldiv(first + second, 1, 2, Rounding.HALF_EVEN)
            else:
                split = self.splits.setdefault((*pair, asset), _Split([]))
                split.marks.append(o.DisputedMark(trade.uti, first, second))
                value = first
        else:
            value = self._one_sided(pair, first if second is None else second, fallback, jump)
        return sets.seen_from_first(trade, value)

    def _one_sided(self, pair: Pair, spoken: int | None, fallback: int, jump: int | None) -> int:
        """L3; seen from the first party."""
        if spoken is None:
            return fallback
        if jump is None:
            near = abs(spoken - fallback) <= self._pairs[pair][0].mark_tolerance
            return spoken if near else fallback
        self._provisional[pair] = None
        return min(max(spoken, fallback - jump), fallback + jump)

    def keep_provisional(self, draft: Draft, events: list[Event]) -> None:
        """Note whose marks of the date are provisional, and whose no longer are."""
        rests = basis(draft, o.Clause.MARGIN)
        parts = map(t.PROVISIONAL.parts, draft.indexed(t.PROVISIONAL, 0))
        before = {(first, second) for first, second in parts}
        for first, second in sorted(before ^ self._provisional.keys()):
            key, now = t.PROVISIONAL.key(first, second), (first, second) in self._provisional
            if now:
                draft.put(t.PROVISIONAL, key, o.Provisional(self._date))
            else:  # also of a pair that has gone over to the oracles' marks
                draft.delete(key)
            events.append(MarksProvisional(first, second, self._date, now, rests))


def _revealed(draft: Draft, pair: Pair, party: Party) -> dict[Uti, int] | None:
    row = draft.get(t.PARTY_MARKS, t.PARTY_MARKS.key(*pair, party))
    if row is None or row.marks is None:
        return None
    return {mark.uti: mark.value for mark in row.marks}


# -------------------------------------------------------------------- L2: disputes
def undisputed(
    draft: Draft,
    agreed: Agreed,
    slot: tuple[Party, Party, AssetCode],
    value: int,
    settled: int,
    date: Date,
    height: int,
    events: list[Event],
) -> int:
    """What of value - settled moves at once, seen from the first party: all of it, or in a dispute
    the smaller amount if both parties' marks say the same direction, else nothing."""
    split = agreed.splits.get(slot)
    if split is None:
        return value - settled
    other = value + sum(mark.second - mark.first for mark in split.marks)
    mine, theirs = value - settled, other - settled
    same = (mine > 0) == (theirs > 0) and mine and theirs
    moved = min(mine, theirs, key=abs) if same else 0
    row = o.Dispute(date, height, settled, value, other, moved, tuple(split.marks))
    draft.put(t.DISPUTES, t.DISPUTES.key(*slot), row)
    events.append(DisputeOpened(*slot, date, value, other, moved))
    return moved


def supersede(draft: Draft, events: list[Event]) -> None:
    """A later date's marks say what the contracts are worth: older disputes are over."""
    rests = basis(draft, o.Clause.MARGIN)
    for key in draft.indexed(t.DISPUTES, 0):
        row = draft.must(t.DISPUTES, key)
        draft.delete(key)
        first, second, asset = t.DISPUTES.parts(key)
        events.append(DisputeResolved(first, second, asset, row.date, "NEXT_CYCLE", rests))


def agree(draft: Draft, action: AgreeMark) -> list[Event]:
    """Both parties settle their dispute; raises a `Rejection`."""
    key = t.DISPUTES.key(action.first, action.second, action.asset)
    row = draft.get(t.DISPUTES, key)
    if row is None:
        raise r.BadMarks(f"no dispute in {action.asset[:32]}")
    marks = {mark.uti: mark.value for mark in action.marks}
    if sorted(marks) != sorted(mark.uti for mark in row.marks) or len(marks) != len(action.marks):
        raise r.BadMarks(f"{len(row.marks)} contracts are disputed: mark exactly these")
    terms = csa.signed(draft, action.first, action.second)
    assert terms is not None, "a dispute has a CSA"
    _check_marks(draft, terms, tuple(sorted(action.marks, key=lambda mark: mark.uti)))
    return _resolve(draft, key, row, marks, "AGREEMENT")


def mark_contracts(draft: Draft, action: SubmitContractMark) -> list[Event]:
    """An oracle's marks of disputed contracts; with a quorum on all of them the dispute ends."""
    terms = csa.signed(draft, action.first, action.second)
    if terms is None or (action.first, action.second) != (terms.first, terms.second):
        raise r.NoCsa(f"of {action.first[:40]} and {action.second[:40]}")
    if action.oracle not in _jury(draft, terms):
        raise r.NotAnOracle(f"{action.oracle} decides nothing between these parties")
    _check_marks(draft, terms, action.marks)
    today = draft.must(t.NETWORK, t.network_key()).closed_date
    if today is None:
        raise r.BadMarks("no date has been closed, so none is disputed")
    for mark in action.marks:
        row = o.ContractValue(today, mark.value)
        draft.put(t.CONTRACT_VALUES, t.CONTRACT_VALUES.key(mark.uti, action.oracle), row)
    events: list[Event] = []
    for key in draft.indexed(t.DISPUTES, 0):
        if tuple(t.DISPUTES.parts(key)[:2]) == (terms.first, terms.second):
            events += _by_oracles(draft, terms, key, draft.must(t.DISPUTES, key))
    return events


def _by_oracles(draft: Draft, terms: o.Csa, key: bytes, row: o.Dispute) -> list[Event]:
    jury = _jury(draft, terms)
    groups: dict[str, list[str]] = defaultdict(list)
    for lei in jury:
        groups[draft.must(t.MEMBERS, t.MEMBERS.key(lei)).group].append(lei)
    quorum = oracles.quorum(draft, len(groups))
    marks: dict[Uti, int] = {}
    for disputed in row.marks:
        values = []
        for members in groups.values():
            found = [_contract_value(draft, disputed.uti, lei, row.date) for lei in members]
            values += [value for value in found if value is not None][:1]
        if len(values) < quorum:
            return []
        marks[disputed.uti] = oracles.median(values)
    return _resolve(draft, key, row, marks, "ORACLES")


def _contract_value(draft: Draft, uti: Uti, oracle: str, date: Date) -> int | None:
    row = draft.get(t.CONTRACT_VALUES, t.CONTRACT_VALUES.key(uti, oracle))
    return None if row is None or row.date != date else row.value


def _jury(draft: Draft, terms: o.Csa) -> list[str]:
    """The oracles that decide between two parties: of neither one's group; ascending."""
    named = terms.oracles or tuple(
        t.MEMBERS.parts(key)[0] for key in draft.indexed(t.MEMBERS, o.Role.ORACLE)
    )
    rows = {lei: draft.must(t.MEMBERS, t.MEMBERS.key(lei)) for lei in sorted(named)}
    theirs = [checks.group_of(draft, party) for party in (terms.first, terms.second)]
    return [lei for lei, row in rows.items() if row.group not in theirs]


def _resolve(
    draft: Draft, key: bytes, row: o.Dispute, marks: dict[Uti, int], by: str
) -> list[Event]:
    """What the contracts are now known to be worth, less what has settled, moves."""
    first, second, asset = t.DISPUTES.parts(key)
    of_set = draft.must(t.NETTING_SETS, t.NETTING_SETS.key(first, second))
    old = sets.position(of_set, asset)
    value = row.value_first + sum(marks[mark.uti] - mark.first for mark in row.marks)
    # `settled` has grown by what moved at the cycle; contracts that left since took theirs along.
    moved = value - row.settled - row.moved
    if moved:
        network = draft.must(t.NETWORK, t.network_key())
        due = network.business_date or row.date
        about = ("dispute", row.date, first, second, asset)
        owe(draft, about, moved, second, first, asset, due, o.Origin.VM)
        changed = msgspec.structs.replace(old, settled=old.settled + moved)
        sets.put_position(draft, of_set, changed)
    draft.delete(key)
    for mark in row.marks:
        for lei in (x for x in _all_oracles(draft)):
            place = t.CONTRACT_VALUES.key(mark.uti, lei)
            if draft.get(t.CONTRACT_VALUES, place) is not None:
                draft.delete(place)
    return [DisputeResolved(first, second, asset, row.date, by, basis(draft, o.Clause.MARGIN))]


def _all_oracles(draft: Draft) -> list[str]:
    return [t.MEMBERS.parts(key)[0] for key in draft.indexed(t.MEMBERS, o.Role.ORACLE)]
