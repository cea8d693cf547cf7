"""Members: positions, margin posted and called, largest counterparties, concentration."""

from collections import defaultdict
from typing import Any, Final

from litestar import get

from node.api.errors import NotFound
from node.observer.showing import Page
from node.observer.sight import Asked, Row, Seen, Sight, may_see, viewer_of
from node.observer.store import Reader, exact, said, whole
from node.observer.views.calls import CALL_COLUMNS, IssuedCall, aged
from wire.money import BPS

LIST: Final = Page("members.html", "Members", "members")
ONE: Final = Page("member.html", "Member", "members")

CALLS_SHOWN: Final = 50

FIGURES: Final = "netting sets, accounts and open calls of the state after the block"
POSITIONS: Final = "contracts in state LIVE"


class MemberLine(Row, frozen=True):
    """A legal entity on the ledger."""

    lei: str
    name: str
    parent: str
    roles: str
    state: str
    power: int
    contribution_committed: int


class MemberFigures(Row, frozen=True):
    """A member's business in one asset, house and clients together; minor units."""

    lei: str
    asset: str
    contracts: int
    notional: int
    counterparties: int
    largest: str
    """The counterparty with the largest notional; empty: it has none."""
    largest_bps: int
    """Its share of the notional."""
    concentration_bps: int
    """Herfindahl index over counterparties by notional: 10,000 is a single one."""
    cash: int
    im_posted: int
    """In contract custody."""
    im_held: int
    """Posted by others, in contract custody for this member."""
    vm_held: int
    """Variation margin that it holds under collateralised terms."""
    called: int
    """Open calls that it has to pay."""
    to_receive: int
    """Open calls in its favour."""
    fund: int
    """In the default fund."""


class MembersView(Seen, frozen=True):
    """All legal entities, and the figures of those that have any."""

    members: list[MemberLine]
    figures: list[MemberFigures]


class Counterparty(Row, frozen=True):
    """A netting set of the member, seen from its side; minor units."""

    party: str
    counterparty: str
    asset: str
    contracts: int
    notional: int
    share_bps: int
    settled: int
    """Variation margin received so far, net; negative: paid."""
    held: int
    """Variation margin held as collateral by the party."""
    held_against: int
    exposure: int | None
    """At the last closed date, after margin; negative: the counterparty's. Null: none closed."""


class OpenPosition(Row, frozen=True):
    """Live contracts of the member in one instrument; units of the instrument."""

    instrument: str
    product: str
    bought: int
    sold: int
    net: int
    contracts: int


class AccountBalance(Row, frozen=True):
    """What the member has on an account; minor units."""

    kind: str
    reference: str
    asset: str
    balance: int
    locked: int


class MemberSeen(Seen, frozen=True):
    """One member."""

    member: MemberLine
    figures: list[MemberFigures]
    positions: list[OpenPosition]
    counterparties: list[Counterparty]
    """Largest notional first."""
    accounts: list[AccountBalance]
    calls: list[IssuedCall]
    """Open ones first, then the latest."""


MEMBER_COLUMNS: Final = (
    "lei, name, parent, roles, state, power, contribution_committed, height, "
    + said("the member's row of the state")
)


def member_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/members", opt={"page": LIST}, sync_to_thread=True)
    def members(request: Asked) -> MembersView:
        """All legal entities with their positions, margin, cash and concentration."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            lines = db.all(MemberLine, f"SELECT {MEMBER_COLUMNS} FROM members ORDER BY lei")
            seen = [line for line in lines if may_see(viewer, members=(line.lei,))]
            known = {line.lei: None for line in seen}
            return MembersView(
                members=seen,
                figures=[one for one in figures_of(db) if one.lei in known],
                as_of_height=db.height,
                from_height=db.from_height,
            )

    @get("/members/{lei:str}", opt={"page": ONE}, sync_to_thread=True)
    def member(request: Asked, lei: str) -> MemberSeen:
        """One member: positions by instrument, counterparties, accounts and calls."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            query = f"SELECT {MEMBER_COLUMNS} FROM members WHERE lei=?"
            line = db.first(MemberLine, query, lei)
            if line is None or not may_see(viewer, members=(lei,)):
                raise NotFound(f"LEI {lei[:40]}")
            figures = [one for one in figures_of(db, lei) if one.lei == lei]
            return MemberSeen(
                member=line,
                figures=figures,
                positions=_positions(db, lei),
                counterparties=_counterparties(db, lei, figures),
                accounts=db.all(
                    AccountBalance,
                    "SELECT kind, reference, asset, balance, locked, height, "
                    f"{said('the account of the state')} FROM balances "
                    "WHERE lei=? AND balance<>0 ORDER BY kind, reference, asset",
                    lei,
                ),
                calls=_calls(db, lei),
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [members, member]


class _Sums:
    """A member's sums in one asset."""

    def __init__(self) -> None:
        self.contracts = 0
        self.vm_held = 0
        self.notional: dict[str, int] = defaultdict(int)
        self.amounts: dict[str, int] = defaultdict(int)
        self.height = 0


def figures_of(db: Reader, lei: str = "") -> list[MemberFigures]:
    """The figures of every member, or what concerns one, by LEI and asset."""
    sums: dict[tuple[str, str], _Sums] = defaultdict(_Sums)
    _from_sets(db, sums, lei)
    _from_accounts(db, sums, lei)
    _from_calls(db, sums, lei)
    return [_figures(*slot, one) for slot, one in sorted(sums.items())]


def _figures(lei: str, asset: str, one: _Sums) -> MemberFigures:
    notional = sum(one.notional.values())
    largest = min(one.notional, key=lambda who: (-one.notional[who], who), default="")
    return MemberFigures(
        lei=lei,
        asset=asset,
        contracts=one.contracts,
        notional=notional,
        counterparties=len(one.notional),
        largest=largest,
        largest_bps=_share(one.notional[largest], notional) if largest else 0,
        concentration_bps=sum(_share(x, notional) ** 2 for x in one.notional.values()) // BPS,
        cash=one.amounts["OWN"] + one.amounts["CLIENT"],
        im_posted=one.amounts["IM_ESCROW"],
        im_held=one.amounts["im_held"],
        vm_held=one.vm_held,
        called=one.amounts["called"],
        to_receive=one.amounts["to_receive"],
        fund=one.amounts["DEFAULT_FUND"],
        height=one.height,
        rule=FIGURES,
    )


def _from_sets(db: Reader, sums: dict[tuple[str, str], _Sums], lei: str) -> None:
    query = (
        "SELECT first_member, second_member, asset, notional, live, held_first, held_second, "
        "height FROM sets"
    )
    query, values = _of(query, ("first_member", "second_member"), lei)
    for first, second, asset, notional, live, held_first, held_second, height in db.rows(
        query, *values
    ):
        for mine, other, held in ((first, second, held_first), (second, first, held_second)):
            one = sums[mine, asset]
            one.contracts += live
            one.vm_held += held
            if notional:
                one.notional[other] += notional
            one.height = max(one.height, height)


def _from_accounts(db: Reader, sums: dict[tuple[str, str], _Sums], lei: str) -> None:
    query = "SELECT lei, kind, reference, asset, balance, height FROM balances WHERE balance<>0"
    for owner, kind, reference, asset, balance, height in db.rows(query):
        if not lei or owner == lei:
            sums[owner, asset].amounts[kind] += balance
            sums[owner, asset].height = max(sums[owner, asset].height, height)
        if kind == "IM_ESCROW":
            secured = reference.partition(">")[2].partition(":")[0]
            if not lei or secured == lei:
                sums[secured, asset].amounts["im_held"] += balance


def _from_calls(db: Reader, sums: dict[tuple[str, str], _Sums], lei: str) -> None:
    query = "SELECT payer_member, receiver_member, asset, amount FROM calls WHERE ended=0"
    for payer, receiver, asset, amount in db.rows(query):
        for who, what in ((payer, "called"), (receiver, "to_receive")):
            if not lei or who == lei:
                sums[who, asset].amounts[what] += amount


def _of(query: str, sides: tuple[str, str], lei: str) -> tuple[str, tuple[str, ...]]:
    if not lei:
        return query, ()
    return f"{query} WHERE {sides[0]}=? OR {sides[1]}=?", (lei, lei)


def _share(part: int, total: int) -> int:
    return part * BPS // total if total else 0


def _positions(db: Reader, lei: str) -> list[OpenPosition]:
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for side, place in (("buyer_member", 0), ("seller_member", 1)):
        query = (
            f"SELECT instrument, product, {exact('quantity')}, COUNT(*), MAX(height) FROM trades "
            f"WHERE {side}=? AND state='LIVE' GROUP BY instrument, product"
        )
        for instrument, product, high, low, count, height in db.rows(query, lei):
            line = found[instrument, product]
            line[place] += whole(high, low)
            line[2] += count
            line[3] = max(line[3], height)
    return [
        OpenPosition(
            instrument=instrument,
            product=product,
            bought=bought,
            sold=sold,
            net=bought - sold,
            contracts=count,
            height=height,
            rule=POSITIONS,
        )
        for (instrument, product), (bought, sold, count, height) in sorted(found.items())
    ]


def _counterparties(db: Reader, lei: str, figures: list[MemberFigures]) -> list[Counterparty]:
    totals = {one.asset: one.notional for one in figures}
    last = db.scalar("SELECT MAX(date) FROM dates")
    query = (
        "SELECT s.first, s.second, s.asset, s.first_member, s.settled, s.notional, s.live, "
        "s.held_first, s.held_second, s.height, e.uncovered FROM sets s LEFT JOIN exposures e "
        "ON e.date=? AND e.first=s.first AND e.second=s.second AND e.asset=s.asset "
        "WHERE s.first_member=? OR s.second_member=?"
    )
    found = []
    for row in db.rows(query, last, lei, lei):
        first, second, asset, first_member, settled, notional, live, held, against, height, left = (
            row
        )
        mine = first_member == lei
        sign = 1 if mine else -1
        exposure = None if last is None else sign * (left or 0)
        found.append(
            Counterparty(
                party=first if mine else second,
                counterparty=second if mine else first,
                asset=asset,
                contracts=live,
                notional=notional,
                share_bps=_share(notional, totals.get(asset, 0)),
                settled=sign * settled,
                held=held if mine else against,
                held_against=against if mine else held,
                exposure=exposure,
                height=height,
                rule="the netting set of the state; exposure: at the last closed date",
            )
        )
    return sorted(found, key=lambda one: (-one.notional, one.counterparty, one.asset))


def _calls(db: Reader, lei: str) -> list[IssuedCall]:
    found: dict[tuple[str, int], IssuedCall] = {}
    for side in ("payer_member", "receiver_member"):
        query = (
            f"SELECT {CALL_COLUMNS} FROM calls WHERE {side}=? "
            "ORDER BY ended=0 DESC, issued DESC LIMIT ?"
        )
        calls = aged(db, db.all(IssuedCall, query, lei, CALLS_SHOWN))
        found |= {(call.id, call.issued): call for call in calls}
    return sorted(found.values(), key=lambda call: (call.ended > 0, -call.issued, call.id))
