"""Margin by portfolio: of every netting set and asset, what has moved and what is in custody."""

from typing import Final

from node.observer.reports.dates import Closed
from node.observer.sight import Row
from node.observer.store import Reader
from wire.ids import member_of

RULE: Final = "netting set, custody accounts and margin terms when the date closed"


class PortfolioMargin(Row, frozen=True):
    """A netting set in one asset, seen from counterparty 1; minor units.

    Variation margin is what has moved since the first contract, settled or held, with what is
    called and on its way. Initial margin is what is in custody; after haircuts it is one figure, in
    the currency of the terms.
    """

    portfolio: str
    """The two parties: LEIs, or client accounts."""
    counterparty_1: str
    """LEI."""
    counterparty_2: str
    asset: str
    vm_posted: int
    vm_collected: int
    im_posted: int
    im_collected: int
    im_required: int
    """Of counterparty 1, by its model, in this asset; 0: none, or in another."""
    im_required_of_2: int
    im_posted_after_haircut: int
    im_collected_after_haircut: int
    im_model: str
    """Empty: there are no terms for initial margin in this asset."""
    category: str
    """Collateralisation: PRCL variation margin both ways, OWP1 or OWP2 initial margin of that
    counterparty besides, FLCL of both."""


def portfolio_of(first: str, second: str) -> str:
    """The code of a netting set's portfolio; the same for both parties."""
    return f"{first}-{second}"


def portfolios(db: Reader, date: Closed, member: str) -> list[PortfolioMargin]:
    """The portfolios that the viewer sees, or those of a member."""
    query = (
        "SELECT k.first, k.second, k.asset, k.settled, k.held_first, k.held_second, "
        "k.posted_first, k.posted_second, k.height, COALESCE(r.model, ''), "
        "COALESCE(r.required_first, 0), COALESCE(r.required_second, 0), "
        "COALESCE(r.worth_first, 0), COALESCE(r.worth_second, 0) FROM collateral k "
        "LEFT JOIN im_required r ON r.date=k.date AND r.first=k.first AND r.second=k.second "
        "AND r.asset=k.asset WHERE k.date=?1 UNION ALL "
        "SELECT r.first, r.second, r.asset, 0, 0, 0, 0, 0, r.height, r.model, r.required_first, "
        "r.required_second, r.worth_first, r.worth_second FROM im_required r WHERE r.date=?1 "
        "AND NOT EXISTS (SELECT 1 FROM collateral k WHERE k.date=r.date AND k.first=r.first "
        "AND k.second=r.second AND k.asset=r.asset) ORDER BY 1, 2, 3"
    )
    found = []
    for row in db.rows(query, date.date):
        parties = member_of(row[0]), member_of(row[1])
        if not member or member in parties:
            found.append(_portfolio(row, turned=bool(member) and member != parties[0]))
    return found


def _portfolio(row: tuple[str | int, ...], *, turned: bool) -> PortfolioMargin:
    first, second, asset, settled, held_1, held_2, posted_1, posted_2, height = row[:9]
    model, required_1, required_2, worth_1, worth_2 = row[9:]
    assert isinstance(settled, int)
    collected = max(0, settled), max(0, -settled)
    sides = [
        (first, posted_1, required_1, worth_1, collected[0] + int(held_1)),
        (second, posted_2, required_2, worth_2, collected[1] + int(held_2)),
    ]
    mine, other = sides[::-1] if turned else sides
    return PortfolioMargin(
        portfolio=portfolio_of(str(first), str(second)),
        counterparty_1=member_of(str(mine[0])),
        counterparty_2=member_of(str(other[0])),
        asset=str(asset),
        vm_posted=int(other[4]),
        vm_collected=int(mine[4]),
        im_posted=int(mine[1]),
        im_collected=int(other[1]),
        im_required=int(mine[2]),
        im_required_of_2=int(other[2]),
        im_posted_after_haircut=int(mine[3]),
        im_collected_after_haircut=int(other[3]),
        im_model=str(model),
        category=_category(bool(mine[1] or mine[3]), bool(other[1] or other[3])),
        height=int(height),
        rule=RULE,
    )


def _category(mine: bool, other: bool) -> str:
    return {
        (False, False): "PRCL",
        (True, False): "OWP1",
        (False, True): "OWP2",
        (True, True): "FLCL",
    }[mine, other]
