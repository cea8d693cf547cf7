"""The default fund against the two largest stressed losses."""

from typing import Any, Final

import msgspec
from litestar import get

from node.observer.showing import Page
from node.observer.sight import Asked, Row, Seen, Sight, may_see, viewer_of
from node.observer.store import said

PAGE: Final = Page("fund.html", "Default fund", "fund")

DATES_MAX: Final = 750
"""Business dates shown: three years."""


class FundSize(Row, frozen=True):
    """The fund and what it has to be at the close of a date; minor units of the rulebook's
    currency. `requirement`: stressed loss of the two largest groups in the worst scenario."""

    date: int
    service: str
    requirement: int
    scenario: str
    groups: str
    """LEIs of the two, separated by spaces."""
    fund: int
    covered: bool


class StressedLoss(Row, frozen=True):
    """What the default of a group would cost the others in a scenario, beyond its own margin and
    contributions, at the last date sized; negative: nothing."""

    scenario: str
    group: str
    loss: int
    rank: int
    """Within its scenario, from 1."""


class FundContribution(Row, frozen=True):
    """A member's part of the fund; minor units of the rulebook's currency."""

    service: str
    lei: str
    has: int
    required: int
    used: int


class FundView(Seen, frozen=True):
    """The fund. Empty `sizes`: the rulebook names no stress scenarios, or no date is closed."""

    currency: str
    sizes: list[FundSize]
    """Newest first."""
    stressed: list[StressedLoss]
    contributions: list[FundContribution]


def fund_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/fund", opt={"page": PAGE}, sync_to_thread=True)
    def fund(request: Asked) -> FundView:
        """The default fund against the two largest stressed losses, date by date, and what every
        member has in it and should have."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            sizes = db.all(
                FundSize,
                "SELECT date, service, requirement, scenario, parents AS 'groups', fund, "
                "fund>=requirement AS covered, rule, height FROM fund_sizes "
                "ORDER BY date DESC LIMIT ?",
                DATES_MAX,
            )
            last = db.scalar("SELECT MAX(date) FROM stressed")
            rule = said("stressed close-out amounts less initial margin and contributions")
            stressed = db.all(
                StressedLoss,
                "SELECT scenario, parent AS 'group', loss, height, ROW_NUMBER() OVER "
                f"(PARTITION BY scenario ORDER BY loss DESC, parent) AS rank, {rule} "
                "FROM stressed WHERE date=? ORDER BY scenario, rank",
                last,
            )
            contributions = db.all(
                FundContribution,
                "SELECT service, lei, has, required, used, height, "
                f"{said('the contribution of the state')} FROM contributions ORDER BY lei",
            )
            return FundView(
                currency=db.scalar("SELECT value FROM meta WHERE key='currency'") or "",
                sizes=[
                    msgspec.structs.replace(one, covered=bool(one.covered))
                    for one in sizes
                    if may_see(viewer, date=one.date)
                ],
                stressed=[one for one in stressed if may_see(viewer, members=(one.group,))],
                contributions=[one for one in contributions if may_see(viewer, members=(one.lei,))],
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [fund]
