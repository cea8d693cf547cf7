"""What if this member defaulted now: who would lose what, by the code that would decide it."""

from typing import Any, Final

import msgspec
from litestar import get

from node.api.errors import NotFound
from node.observer.showing import Page
from node.observer.sight import Asked, Rehearse, Row, Seen, Sight, may_see, viewer_of

PAGE: Final = Page("whatif.html", "What if", "members", live=False)


class BorneIf(Row, frozen=True):
    """What a tranche of the waterfall would bear; minor units of the rulebook's currency."""

    tranche: str
    amount: int


class LossIf(Row, frozen=True):
    """What the default would do to one member; minor units of the rulebook's currency."""

    lei: str
    claim: int
    """Of its netting sets with the defaulter."""
    covered: int
    """By margin, and by contributions of others."""
    loss: int
    residual: int
    """Part of the loss: what nobody covers."""
    owes_estate: int
    open_misses: int
    """Receipts under way that would not come."""
    next_need: int
    """Cash to find in the next margin cycle."""
    next_short: int
    """Of that, what its free cash does not cover."""


class ShareIf(Row, frozen=True):
    """A loss of one member in one tranche."""

    lei: str
    tranche: str
    amount: int


class WhatIfView(Seen, frozen=True):
    """A default rehearsed on the node's last state, which it does not touch. Left out: firm
    quotes, cures, ported clients."""

    defaulter: str
    currency: str
    block: str
    state_root: str
    loss: int
    """Of all claims; the tranches bear all of it."""
    borne: list[BorneIf]
    members: list[LossIf]
    """Largest loss first."""
    shares: list[ShareIf]


def whatif_routes(sight: Sight, rehearse: Rehearse) -> list[Any]:
    """The route handlers."""

    @get("/whatif/{lei:str}", opt={"page": PAGE})
    async def whatif(request: Asked, lei: str) -> WhatIfView:
        """Rehearse the default of a member at the last prices: the loss, who bears it in which
        tranche, and what the others' next margin cycle would need. Takes a while."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            known = db.scalar("SELECT 1 FROM members WHERE lei=? AND trades_here", lei)
            currency = db.scalar("SELECT value FROM meta WHERE key='currency'") or ""
            from_height = db.from_height
        if not known or not may_see(viewer, members=(lei,)):
            raise NotFound(f"trading member {lei[:40]}")
        found = _seen(await rehearse(lei), lei, currency, from_height)
        return msgspec.structs.replace(
            found,
            members=[one for one in found.members if may_see(viewer, members=(one.lei,))],
            shares=[one for one in found.shares if may_see(viewer, members=(one.lei,))],
        )

    return [whatif]


def _seen(report: dict[str, Any], lei: str, currency: str, from_height: int) -> WhatIfView:
    height, rulebook = report["height"], report["rulebook_version"]
    rule = f"rulebook {rulebook}, WATERFALL"
    return WhatIfView(
        defaulter=lei,
        currency=currency,
        block=report["block"],
        state_root=report["state_root"],
        loss=report["loss"],
        borne=[
            BorneIf(tranche=tranche, amount=amount, height=height, rule=rule)
            for tranche, amount in report["borne"].items()
        ],
        members=sorted(
            (_loss(effect, height, rule) for effect in report["members"]),
            key=lambda one: (-one.loss, -one.next_need, one.lei),
        ),
        shares=[
            ShareIf(
                lei=effect["lei"],
                tranche=part["tranche"],
                amount=part["amount"],
                height=height,
                rule=part["rule"],
            )
            for effect in report["members"]
            for part in effect["losses"]
        ],
        as_of_height=height,
        from_height=from_height,
    )


def _loss(effect: dict[str, Any], height: int, rule: str) -> LossIf:
    cycles = {cycle["name"]: cycle for cycle in effect["cycles"]}
    return LossIf(
        lei=effect["lei"],
        claim=effect["claim"],
        covered=effect["covered"],
        loss=effect["loss"],
        residual=effect["residual"],
        owes_estate=effect["owes_estate"],
        open_misses=cycles["open"]["misses"],
        next_need=cycles["next"]["need"],
        next_short=cycles["next"]["short"],
        height=height,
        rule=rule,
    )
