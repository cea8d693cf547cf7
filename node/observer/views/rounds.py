"""Netting rounds: figures, the cycles that were cancelled, and why no more was."""

from typing import Any, Final

import msgspec
from litestar import get

from node.api.errors import NotFound
from node.api.reading import Limit, Number, number_of
from node.observer.showing import Page
from node.observer.sight import Asked, Before, Row, Seen, Sight, may_see, viewer_of
from node.observer.store import Reader

LIST: Final = Page("rounds.html", "Netting rounds", "rounds")
ONE: Final = Page("round.html", "Netting round", "rounds")

CYCLES_SHOWN: Final = 200
PAIRS_SHOWN: Final = 1_000


class RoundInAsset(Row, frozen=True):
    """A round in one asset; minor units. `gross` is frozen; `set_off` within pairs and `cleared`
    in cycles is cancelled without cash; `cash_moved` discharged `discharged` of what remained."""

    number: int
    date: int
    state: str
    asset: str
    gross: int
    set_off: int
    cleared: int
    remaining: int
    discharged: int
    cash_moved: int
    cycles: int
    optimal: bool
    """No choice of cycles cancels more; else none could be added."""


class RoundsView(Seen, frozen=True):
    """Rounds, newest first. `next`: the `before` of the page that follows."""

    rounds: list[RoundInAsset]
    next: int | None


class RoundTold(Row, frozen=True):
    """A round's place on the chain: frozen, cleared by a certificate, settled."""

    number: int
    service: str
    date: int
    state: str
    root: str
    """RFC 6962 root of what was frozen: the round's id."""
    obligations: int
    freeze_height: int
    cleared_height: int
    """0: not yet."""
    settle_height: int
    failed: str
    """Parties that could not fund it, separated by spaces."""
    liquidity_events: str


class CancelledCycle(Row, frozen=True):
    """Each member's debt to the next, and the last one's to the first, is cancelled by `amount`."""

    asset: str
    place: int
    amount: int
    members: list[str]


class RoundPair(Row, frozen=True):
    """What a debtor owed a creditor in the round, and what became of it; minor units."""

    asset: str
    debtor: str
    creditor: str
    owed: int
    set_off: int
    cycled: int
    remaining: int
    settled: int
    because_of: str
    """Whose being out of the round left the rest open."""
    told: str
    """Why just so much was cancelled."""


class RoundSeen(Seen, frozen=True):
    """A round, its cycles and every pair in it."""

    round: RoundTold
    figures: list[RoundInAsset]
    cycles: list[CancelledCycle]
    """The largest first."""
    pairs: list[RoundPair]


class _Why(msgspec.Struct):
    """As the projection keeps it."""

    cycles: int
    within_reach: int
    bottlenecks: list[dict[str, str | int]]
    bottleneck_count: int


FIGURE_COLUMNS: Final = (
    "f.number, r.date, r.state, f.asset, f.gross, f.set_off, f.cleared, f.remaining, "
    "f.discharged, f.cash_moved, f.cycles, f.objective=1 AS optimal, r.height, "
    "'rulebook ' || r.rulebook || ', SETTLEMENT' AS rule"
)


def round_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/rounds", opt={"page": LIST}, sync_to_thread=True)
    def rounds(request: Asked, before: Before = None, limit: Limit = 50) -> RoundsView:
        """Netting rounds with their figures, newest first. `before`: older than this number."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            below = 1 << 62 if before is None else before
            query = "SELECT number FROM rounds WHERE number<? ORDER BY number DESC LIMIT ?"
            numbers = [number for (number,) in db.rows(query, below, limit + 1)]
            shown = numbers[:limit]
            lowest = shown[-1] if shown else below
            query = (
                f"SELECT {FIGURE_COLUMNS} FROM rounds r JOIN round_figures f ON f.number=r.number "
                "WHERE r.number>=? AND r.number<? ORDER BY f.number DESC, f.asset"
            )
            found = [_figures(one) for one in db.all(RoundInAsset, query, lowest, below)]
            return RoundsView(
                rounds=[one for one in found if may_see(viewer, date=one.date)],
                next=lowest if len(numbers) > limit else None,
                as_of_height=db.height,
                from_height=db.from_height,
            )

    @get("/rounds/{number:str}", opt={"page": ONE}, sync_to_thread=True)
    def one_round(request: Asked, number: Number) -> RoundSeen:
        """A round: its figures, its cycles, and every pair with what became of its debt and why."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            ident = number_of(number)
            line = _line(db, ident)
            if line is None or not may_see(viewer, date=line.date):
                raise NotFound(f"round {ident}")
            query = (
                f"SELECT {FIGURE_COLUMNS} FROM rounds r JOIN round_figures f ON f.number=r.number "
                "WHERE r.number=? ORDER BY f.asset"
            )
            return RoundSeen(
                round=line,
                figures=[_figures(one) for one in db.all(RoundInAsset, query, ident)],
                cycles=[one for one in _cycles(db, line) if may_see(viewer, members=one.members)],
                pairs=[
                    one
                    for one in _pairs(db, line)
                    if may_see(viewer, members=(one.debtor, one.creditor), date=line.date)
                ],
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [rounds, one_round]


def _figures(one: RoundInAsset) -> RoundInAsset:
    """SQLite knows no booleans."""
    return msgspec.structs.replace(one, optimal=bool(one.optimal))


def _line(db: Reader, number: int) -> RoundTold | None:
    query = (
        "SELECT number, service, date, state, root, obligations, freeze_height, cleared_height, "
        "settle_height, failed, liquidity_events, height, "
        "'rulebook ' || rulebook || ', SETTLEMENT' AS rule FROM rounds WHERE number=?"
    )
    return db.first(RoundTold, query, number)


def _cycles(db: Reader, line: RoundTold) -> list[CancelledCycle]:
    query = (
        "SELECT asset, place, amount, members FROM cycles WHERE number=? "
        "ORDER BY asset, place LIMIT ?"
    )
    rule = "decomposition of the flows that the certificate proves"
    return [
        CancelledCycle(
            asset=asset,
            place=place,
            amount=amount,
            members=members.split(),
            height=line.cleared_height,
            rule=rule,
        )
        for asset, place, amount, members in db.rows(query, line.number, CYCLES_SHOWN)
    ]


def _pairs(db: Reader, line: RoundTold) -> list[RoundPair]:
    query = (
        "SELECT asset, debtor, creditor, owed, set_off, cycled, owed - set_off - cycled, settled, "
        "because_of, why FROM round_pairs WHERE number=? "
        "ORDER BY owed DESC, asset, debtor, creditor LIMIT ?"
    )
    found = []
    for asset, debtor, creditor, owed, set_off, cycled, rest, settled, because, why in db.rows(
        query, line.number, PAIRS_SHOWN
    ):
        told = _told(debtor, creditor, rest, msgspec.json.decode(why, type=_Why) if why else None)
        found.append(
            RoundPair(
                asset=asset,
                debtor=debtor,
                creditor=creditor,
                owed=owed,
                set_off=set_off,
                cycled=cycled,
                remaining=rest,
                settled=settled,
                because_of=because,
                told=told,
                height=line.height,
                rule="the round's results, under the results root of the header",
            )
        )
    return found


def _told(debtor: str, creditor: str, rest: int, why: _Why | None) -> str:
    """`netting.explain` in words: why nothing more of a debt could be cancelled."""
    if why is None:
        return "" if rest else "All of it was set off within the pair."
    cycles = "one cycle" if why.cycles == 1 else f"{why.cycles} cycles"
    words = [f"It is on {cycles}."] if why.cycles else ["It is on no cycle."]
    if not rest:
        return " ".join([*words, "Nothing is left."])
    reach = "nobody else" if why.within_reach <= 1 else f"{why.within_reach} members"
    words.append(f"What is left leads on from {creditor} to {reach}, and never back to {debtor}")
    if why.bottlenecks:
        stops = ", ".join(f"{x['debtor']} to {x['creditor']}" for x in why.bottlenecks)
        more = why.bottleneck_count - len(why.bottlenecks)
        words[-1] += f": what these owed onward is cancelled whole ({stops}"
        words[-1] += f" and {more} more)." if more else ")."
    else:
        words[-1] += ": nobody there owes anything onward."
    return " ".join(words)
