"""The network: who is up and votes, blocks and how long each took, and what is open."""

from typing import Any, Final

from litestar import get

from node.observer.showing import Page
from node.observer.sight import Asked, Now, Row, Seen, Sight
from node.observer.store import Reader, said
from node.samples import percentile

BLOCKS_SHOWN: Final = 100

RULE: Final = "the block's commit: precommits of more than two thirds of the power"


class Decided(Row, frozen=True):
    """A block in the series. `interval_ms`: since the block before was decided, by the validators'
    clocks; what is submitted in between is final with it, so it waits no longer than that."""

    id: str
    time_ms: int
    decided_ms: int
    interval_ms: int
    round: int
    proposer: str
    signed: int
    """Validators whose precommits are in the commit."""
    validators: int
    transactions: int
    refused: int
    trades: int


class Participation(Row, frozen=True):
    """A validator's part in the blocks of the series."""

    lei: str
    power: int
    signed: int
    proposed: int
    of: int


class OpenCount(Row, frozen=True):
    """How many there are of something now."""

    what: str
    count: int


class NetworkView(Seen, frozen=True):
    """The network at a block."""

    business_date: int | None
    rulebook: int
    block_p50_ms: int | None
    """Of blocks with transactions among those shown: time since the block before."""
    block_p95_ms: int | None
    counts: list[OpenCount]
    blocks: list[Decided]
    """Newest first."""
    participation: list[Participation]
    now: Now | None


def network_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/network", opt={"page": PAGE}, sync_to_thread=True)
    def network(request: Asked) -> NetworkView:
        """The network: validators, the last blocks and how long they took, and what is open."""
        del request
        return _network(sight)

    return [network]


def home_route(sight: Sight) -> Any:
    """The page's first view."""

    @get("/", opt={"page": PAGE}, sync_to_thread=True)
    def home(request: Asked) -> NetworkView:
        """The network."""
        del request
        return _network(sight)

    return home


PAGE: Final = Page("network.html", "Network", "network")


def _network(sight: Sight) -> NetworkView:
    with sight.reader() as db:
        blocks = decided_blocks(db, BLOCKS_SHOWN)
        taken = [block.interval_ms for block in blocks if block.transactions and block.interval_ms]
        newest = db.rows("SELECT business_date, rulebook FROM blocks ORDER BY height DESC LIMIT 1")
        business_date, rulebook = newest[0] if newest else (None, 0)
        return NetworkView(
            as_of_height=db.height,
            from_height=db.from_height,
            business_date=business_date,
            rulebook=rulebook,
            block_p50_ms=percentile(taken, 50),
            block_p95_ms=percentile(taken, 95),
            counts=_counts(db),
            blocks=blocks,
            participation=_participation(db, blocks),
            now=sight.now(),
        )


def decided_blocks(db: Reader, count: int, before: int | None = None) -> list[Decided]:
    """The newest blocks, or those before a height; newest first."""
    query = (
        "SELECT height, id, time_ms, decided_ms, "
        "decided_ms - COALESCE(LAG(decided_ms) OVER (ORDER BY height), decided_ms) AS interval_ms, "
        "round, proposer, LENGTH(signers) - LENGTH(REPLACE(signers, ' ', '')) + 1 AS signed, "
        f"validators, transactions, refused, trades, {said(RULE)} "
        "FROM blocks WHERE height BETWEEN ? AND ? ORDER BY height DESC"
    )
    last = db.height if before is None else min(db.height, before - 1)
    found = db.all(Decided, query, last - count, last)  # one more, for the first interval
    return found[:count]


COUNTS: Final = {
    "live contracts": ("SELECT COUNT(*) FROM trades WHERE state='LIVE'", "contracts in state LIVE"),
    "trading members": (
        "SELECT COUNT(*) FROM members WHERE state='ACTIVE' AND trades_here",
        "members in state ACTIVE with role MEMBER",
    ),
    "open calls": ("SELECT COUNT(*) FROM calls WHERE ended=0", "calls not settled or discharged"),
    "open disputes": ("SELECT COUNT(*) FROM disputes WHERE ended=0", "disputes not resolved"),
    "open default cases": ("SELECT COUNT(*) FROM cases WHERE ended=0", "cases not closed"),
    "netting rounds": ("SELECT COUNT(*) FROM rounds", "rounds frozen so far"),
}


def _counts(db: Reader) -> list[OpenCount]:
    return [
        OpenCount(what=what, count=db.scalar(query), height=db.height, rule=rule)
        for what, (query, rule) in COUNTS.items()
    ]


def _participation(db: Reader, blocks: list[Decided]) -> list[Participation]:
    """Who has signed and proposed the blocks shown."""
    lowest = blocks[-1].height if blocks else 0
    signed: dict[str, int] = {}
    proposed: dict[str, int] = {}
    query = "SELECT proposer, signers FROM blocks WHERE height>=?"
    for proposer, signers in db.rows(query, lowest):
        proposed[proposer] = proposed.get(proposer, 0) + 1
        for lei in signers.split():
            signed[lei] = signed.get(lei, 0) + 1
    query = "SELECT lei, power FROM members WHERE power>0 ORDER BY lei"
    return [
        Participation(
            lei=lei,
            power=power,
            signed=signed.get(lei, 0),
            proposed=proposed.get(lei, 0),
            of=len(blocks),
            height=db.height,
            rule=f"commits of blocks {lowest} to {db.height}",
        )
        for lei, power in db.rows(query)
    ]
