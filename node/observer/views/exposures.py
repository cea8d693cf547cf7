"""Who is exposed to whom, before and after netting, on each closed business date."""

from collections import defaultdict
from typing import Any, Final, Literal

from litestar import get

from node.api.errors import NotFound
from node.observer.showing import Page
from node.observer.sight import Asked, OnDate, Row, Seen, Sight, Viewer, may_see, viewer_of
from node.observer.store import Reader

PAGE: Final = Page("exposures.html", "Exposures", "exposures")

VALUES: Final = (
    "values of the pair's contracts at the date's marks; after: bilateral netting; "
    "left: less margin, with what is owed"
)
PAYMENTS: Final = "debts of the date's netting rounds; after: set-off and cycles; left: unpaid"


class Exposure(Row, frozen=True):
    """What a debtor owes, or would owe, a creditor; minor units of the asset.

    Values: `before` is the sum of the contracts that are worth something to the creditor, `after`
    what is left once those worth something to the debtor are set off, `left` what margin does not
    cover. Payments: `before` is what was frozen, `after` what set-off and cycles did not cancel,
    `left` what was not paid.
    """

    debtor: str
    creditor: str
    asset: str
    before: int
    after: int
    left: int


class ExposureTotal(Row, frozen=True):
    """The sums over all pairs; minor units of the asset."""

    asset: str
    pairs: int
    before: int
    after: int
    left: int


class ExposuresView(Seen, frozen=True):
    """Exposures of a date; `date` null: none is closed yet."""

    date: int | None
    kind: Literal["values", "payments"]
    dates: list[int]
    """Closed, ascending: what `date` may be."""
    exposures: list[Exposure]
    totals: list[ExposureTotal]


def exposure_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/exposures", opt={"page": PAGE}, sync_to_thread=True)
    def exposures(
        request: Asked,
        date: OnDate = None,
        kind: Literal["values", "payments"] = "values",
        netting: Literal["before", "after", "left"] = "before",
    ) -> ExposuresView:
        """Exposures of every pair on a closed date (the last one, if none is named). `kind`: what
        contracts are worth, or what netting rounds had to pay; `netting`: which of the three
        amounts the page draws."""
        del netting
        viewer = viewer_of(request)
        with sight.reader() as db:
            dates = [
                day
                for (day,) in db.rows("SELECT date FROM dates ORDER BY date")
                if may_see(viewer, date=day)
            ]
            if date is not None and date not in dates:
                raise NotFound(f"closed date {date}")
            chosen = date if date is not None else dates[-1] if dates else None
            read = _values if kind == "values" else _payments
            found = [] if chosen is None else read(db, viewer, chosen)
            return ExposuresView(
                date=chosen,
                kind=kind,
                dates=dates,
                exposures=found,
                totals=_totals(found),
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [exposures]


def _values(db: Reader, viewer: Viewer, date: int) -> list[Exposure]:
    query = (
        "SELECT first, second, asset, gross_first, gross_second, uncovered, height "
        "FROM exposures WHERE date=? ORDER BY first, second, asset"
    )
    found = []
    for first, second, asset, to_first, to_second, left, height in db.rows(query, date):
        if not may_see(viewer, members=(first, second), date=date):
            continue
        net = to_first - to_second
        for debtor, creditor, before, after, rest in (
            (second, first, to_first, max(0, net), max(0, left)),
            (first, second, to_second, max(0, -net), max(0, -left)),
        ):
            if before or after or rest:
                found.append(
                    Exposure(
                        debtor=debtor,
                        creditor=creditor,
                        asset=asset,
                        before=before,
                        after=after,
                        left=rest,
                        height=height,
                        rule=VALUES,
                    )
                )
    return found


def _payments(db: Reader, viewer: Viewer, date: int) -> list[Exposure]:
    query = (
        "SELECT p.debtor, p.creditor, p.asset, p.owed, p.set_off + p.cycled, p.settled, r.height "
        "FROM rounds r JOIN round_pairs p ON p.number=r.number WHERE r.date=? "
        "AND r.state<>'RECOMPUTED' ORDER BY p.debtor, p.creditor, p.asset"
    )
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for debtor, creditor, asset, owed, cancelled, settled, height in db.rows(query, date):
        if may_see(viewer, members=(debtor, creditor), date=date):
            line = sums[debtor, creditor, asset]
            line[0] += owed
            line[1] += owed - cancelled
            line[2] += owed - cancelled - settled
            line[3] = max(line[3], height)
    return [
        Exposure(
            debtor=debtor,
            creditor=creditor,
            asset=asset,
            before=before,
            after=after,
            left=left,
            height=height,
            rule=PAYMENTS,
        )
        for (debtor, creditor, asset), (before, after, left, height) in sums.items()
    ]


def _totals(found: list[Exposure]) -> list[ExposureTotal]:
    by_asset: dict[str, list[Exposure]] = defaultdict(list)
    for line in found:
        by_asset[line.asset].append(line)
    return [
        ExposureTotal(
            asset=asset,
            pairs=len(lines),
            before=sum(line.before for line in lines),
            after=sum(line.after for line in lines),
            left=sum(line.left for line in lines),
            height=max(line.height for line in lines),
            rule=lines[0].rule,
        )
        for asset, lines in sorted(by_asset.items())
    ]
