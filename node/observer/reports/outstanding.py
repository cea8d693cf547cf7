"""Contracts as of a block, from their steps, and what each is worth at a date's marks."""

from typing import Final, NamedTuple

from node.observer.store import Reader, exact, whole
from wire.money import Rounding, muldiv

ENDED: Final = ("TERMINATED", "MATURED", "NOVATED", "TORN_UP")
"""States in which a contract is over; a frozen one (`IN_TERMINATION`) is not, yet."""

VALUED: Final = "LIVE"
"""The state in which the date's marks value a contract; a frozen one is valued at its close-out."""


class Outstanding(NamedTuple):
    """A contract as of a block; minor units of `currency`, prices in the instrument's scale."""

    uti: str
    height: int
    """Of its last step."""
    place: int
    what: str
    state: str
    buyer: str
    seller: str
    instrument: str
    product: str
    asset_class: str
    feed: str
    currency: str
    price_scale: int
    maturity: int
    delivery: str
    quantity: int
    price: int
    notional: int
    trade_date: int
    source: str
    prior: str
    entered: int
    """Height of the block that entered it first."""
    tx: str
    """Id of that transaction; empty: before the store began."""
    mark: int | None
    """Of the date; None: its feed has none."""
    oracles: int
    exponent: int

    @property
    def value(self) -> int | None:
        """quantity * (mark - price), minor units seen from the buyer, half to even, rounded once;
        None: nothing marks it."""
        if self.mark is None or self.state != VALUED:
            return None
        return muldiv(
            self.quantity * (self.mark - self.price),
            10**self.exponent,
            self.price_scale,
            Rounding.HALF_EVEN,
        )

    @property
    def pair(self) -> tuple[str, str]:
        """Its netting set: first and second party."""
        return (self.buyer, self.seller) if self.buyer < self.seller else (self.seller, self.buyer)

    @property
    def value_to_first(self) -> int | None:
        """Its value as the first party of its netting set sees it."""
        value = self.value
        return value if value is None or self.buyer == self.pair[0] else -value


LAST: Final = (
    "NOT EXISTS (SELECT 1 FROM main.contract_steps l WHERE l.uti=s.uti AND l.height<=:height "
    "AND (l.height, l.place)>(s.height, s.place))"
)
"""Of all its steps: who has handed a contract on does not see those that it took afterwards."""

COLUMNS: Final = (
    "s.uti, s.height, s.place, s.what, s.state, s.buyer, s.seller, s.instrument, s.product, "
    "i.asset_class, i.feed, i.currency, i.price_scale, i.maturity, i.delivery, s.quantity, "
    "s.price, s.notional, s.trade_date, s.source, f.prior, f.entered, f.tx, m.value, "
    "COALESCE(m.oracles, 0), a.exponent"
)
JOINED: Final = (
    "FROM {schema}contract_steps s "
    "JOIN main.contract_steps f ON f.uti=s.uti AND (f.height, f.place)=(SELECT x.height, "
    "x.place FROM main.contract_steps x WHERE x.uti=s.uti ORDER BY x.height, x.place LIMIT 1) "
    "JOIN instruments i ON i.code=s.instrument JOIN assets a ON a.code=i.currency "
    "LEFT JOIN marks m ON m.feed=i.feed AND m.date=:date"
)


def outstanding(
    db: Reader, date: int, height: int, *, everybody: bool = False
) -> list[Outstanding]:
    """The contracts that are not over after block `height`, at the marks of `date`, by UTI; those
    that the viewer sees, or everybody's."""
    schema = "main." if everybody else ""
    ended = ", ".join(f"'{state}'" for state in ENDED)
    query = (
        f"SELECT {COLUMNS} {JOINED} WHERE s.height<=:height AND {LAST} "
        f"AND s.state NOT IN ({ended}) ORDER BY s.uti"
    ).format(schema=schema)
    return [Outstanding(*row) for row in db.named(query, height=height, date=date)]


class Sums(NamedTuple):
    """Contracts of a netting set in one class and currency that are not over after a block."""

    first: str
    second: str
    asset_class: str
    currency: str
    contracts: int
    notional: int


def sums(db: Reader, height: int) -> list[Sums]:
    """The same added up by netting set, everybody's: public once the parties are added up too."""
    ended = ", ".join(f"'{state}'" for state in ENDED)
    query = (
        "SELECT MIN(s.buyer, s.seller), MAX(s.buyer, s.seller), i.asset_class, i.currency, "
        f"COUNT(*), {exact('s.notional')} FROM main.contract_steps s "
        f"JOIN instruments i ON i.code=s.instrument WHERE s.height<=:height AND {LAST} "
        f"AND s.state NOT IN ({ended}) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    )
    rows = db.named(query, height=height)
    return [
        Sums(first, second, kind, currency, contracts, whole(high, low))
        for first, second, kind, currency, contracts, high, low in rows
    ]


def taken(db: Reader, date: int, after: int, height: int) -> list[Outstanding]:
    """Every step that contracts the viewer sees have taken in the blocks after `after` up to
    `height`, in their order."""
    query = (
        f"SELECT {COLUMNS} {JOINED} WHERE s.height>:after AND s.height<=:height "
        "AND s.what<>'KNOWN' ORDER BY s.height, s.place, s.uti"
    ).format(schema="")
    return [Outstanding(*row) for row in db.named(query, height=height, date=date, after=after)]
