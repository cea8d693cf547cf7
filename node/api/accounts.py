"""Routes about members and assets, now and at earlier heights."""

import asyncio
from typing import Any

from litestar import get

from ledger import objects as o
from ledger import tables as t
from ledger.state import State
from node.api import views
from node.api.errors import NotFound
from node.api.reading import After, AsOf, Limit, page_of
from node.apitypes import answers as a
from node.apitypes.shown import Shown
from node.daemon import Daemon
from node.history import state_at
from node.viewing.seen import seen_state


def account_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    past = Past(daemon)

    @get("/accounts")
    async def accounts(
        after: After = "", limit: Limit = 100, as_of: AsOf = None
    ) -> a.Page[Shown[o.Member]]:
        """Members in order of LEI. `as_of`: after the block of this height."""
        height, state = await past.state(as_of)
        rows = sorted((row for _, row in state.scan(t.MEMBERS)), key=lambda row: row.lei)
        shown = (Shown(row) for row in rows if row.lei > after)
        return page_of(shown, limit, height, lambda item: item.record.lei)

    @get("/accounts/{lei:str}")
    async def account(lei: str, as_of: AsOf = None) -> a.Account:
        """A member's balances, limits and netting sets. `as_of`: after the block of this height,
        which is done again from the blocks that the node keeps, so it takes a while."""
        height, state = await past.state(as_of)
        found = views.account(state, lei, height)
        if found is None:
            raise NotFound(f"LEI {lei[:40]}")
        return found

    @get("/assets/{code:str}/holders")
    async def holders(code: str, as_of: AsOf = None) -> a.Holders:
        """The register of holders of an asset. `as_of`: after the block of this height."""
        height, state = await past.state(as_of)
        found = views.holders(state, code, height)
        if found is None:
            raise NotFound(f"asset {code[:32]}")
        return found

    return [accounts, account, holders]


class Past:
    """States at earlier heights: one is made at a time, and the last is kept."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._one = asyncio.Lock()
        self._kept: tuple[int, State] | None = None

    async def state(self, as_of: int | None) -> tuple[int, State]:
        """What who asks sees of the state after block `as_of`, or after the last one; raises
        `NotFound`, `NotInHistory`."""
        tip = self._daemon.shell.tip
        if as_of is None or as_of == tip.height:
            return tip.height, seen_state(tip.state)
        if not 0 <= as_of <= tip.height:
            raise NotFound(f"height {as_of}, the last is {tip.height}")
        async with self._one:
            if self._kept is None or self._kept[0] != as_of:
                made = await asyncio.to_thread(state_at, self._daemon.home, as_of)
                self._kept = (as_of, made)
            return as_of, seen_state(self._kept[1])
