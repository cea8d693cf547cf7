"""Drives the replay over the nodes' APIs, as members, oracles and the cash bank would."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from ledger.actions import Action, ContributeFund, FeedMark, Mint, SubmitOracle, Transfer
from ledger.objects import AccountKind
from ledger.transactions import signed, unsigned
from node.blotter import fields_of
from node.cli.testnet.layout import Place
from node.cli.testnet.plan import CASH, CONTRIBUTION, Day, Replay
from node.cli.testnet.processes import Processes
from node.founding import CURRENCY, SERVICE, Identity
from node.home import Home
from wire.codec import encode
from wire.errors import EnvironmentFault
from wire.ids import FeedCode, house, member_of

VALID_HEIGHTS = 1_000
BATCH = 200
"""Trades in one request to a member's node."""


class ReplayStuck(EnvironmentFault):
    """The network has not done in time what it should."""

    code = "TESTNET_STUCK"
    remedy = "Look at the nodes' logs; `--keep` leaves them running."


class Node:
    """A node's API."""

    def __init__(self, place: Place) -> None:
        self.place = place
        token = Home(Path(place.home)).token()
        self._http = httpx.AsyncClient(
            base_url=place.url(), headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    async def get(self, path: str) -> Any:
        """The JSON answer, or None if the node does not answer."""
        try:
            answer = await self._http.get(path)
        except httpx.HTTPError:
            return None
        return answer.json() if answer.is_success else None

    async def post(self, path: str, content: Any) -> httpx.Response:
        """The answer, whatever its status."""
        return await self._http.post(path, json=content)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class Drive:
    """The replay as it goes on."""

    def __init__(self, replay: Replay, places: list[Place], processes: Processes) -> None:
        self.replay = replay
        self.processes = processes
        self.nodes = {place.lei: Node(place) for place in places}
        self.members = [self.nodes[who.lei] for who in replay.founded.members]
        self.submitted = 0
        self.ended = 0
        """Of those, contracts of a member in default."""
        self.down: set[str] = set()
        """Names of nodes that are down on purpose."""
        self._nonce = int(time.time() * 1_000) << 16

    async def close(self) -> None:
        """Close all connections."""
        for node in self.nodes.values():
            await node.close()

    async def wait_connected(self) -> None:
        """Until every node answers, has all its peers and a block."""

        async def connected() -> bool:
            found = [await node.get("/v1/status") for node in self._up()]
            wanted = len(self.nodes) - 1
            return all(s is not None and len(s["peers"]) == wanted for s in found)

        await self.until(connected, "connecting the nodes", 60)

    async def fund(self) -> None:
        """The cash bank mints every member's settlement cash."""
        founded = self.replay.founded
        for who in founded.members:
            action = Mint(CURRENCY, who.lei, CASH, "testnet reserve")
            await self._submit(action, founded.issuer, "treasury")

        async def funded() -> bool:
            for who in founded.members:
                found = await self.nodes[who.lei].get(f"/v1/accounts/{who.lei}")
                if found is None or not found["balances"]:
                    return False
            return True

        await self.until(funded, "minting settlement cash", 60)

    # ---------------------------------------------------------------- a default
    async def contribute(self) -> None:
        """Every member pays into the default fund."""
        for who in self.replay.founded.members:
            await self._submit(ContributeFund(who.lei, SERVICE, CONTRIBUTION), who, "treasury")

        async def paid() -> bool:
            rows = await self._rows("contribution")
            return len(rows) == len(self.replay.founded.members)

        await self.until(paid, "contributing to the default fund", 60)

    async def stop_paying(self, lei: str) -> None:
        """The member sends all its cash away."""
        account = [lei, int(AccountKind.OWN), "", CURRENCY]

        async def free() -> int:
            rows = await self._rows("balance", lei)
            return sum(x["row"]["balance"] for x in rows if x["key"] == account)

        who = next(one for one in self.replay.founded.members if one.lei == lei)
        bank = house(self.replay.founded.issuer.lei)
        gone = Transfer(CURRENCY, house(who.lei), bank, await free(), "gone")
        await self._submit(gone, who, "treasury")

        async def empty() -> bool:
            return await free() == 0

        await self.until(empty, "sending its cash away", 60)

    async def declared(self, lei: str) -> None:
        """Until the member is in default; its contracts are live no more."""

        async def done() -> bool:
            rows = await self._rows("default_case", lei)
            return any(x["row"]["declared"] for x in rows)

        await self.until(done, "declaring the default", 120)
        before = [x for x in self.replay.days if x.date <= self._failed_on()]
        trades = [trade for day in before for trade in day.trades]
        self.ended = sum(lei in (member_of(x.buyer), member_of(x.seller)) for x in trades)

    async def resolved(self, lei: str) -> dict[str, Any]:
        """The case, once its losses are allocated."""
        case: dict[str, Any] = {}

        async def done() -> bool:
            for one in await self._rows("default_case", lei):
                case.update(one["row"])
            return case.get("state") in ("RECOVERY", "CLOSED")

        await self.until(done, "closing the defaulter out", 120)
        return case

    def _failed_on(self) -> int:
        return 0 if self.replay.failure is None else self.replay.failure.date

    async def _rows(self, table: str, about: str = "") -> list[Any]:
        """Of all members' own business: each shows its own, and what is public."""
        query = f"/v1/tables/{table}?limit=100&about={about}"
        found: dict[str, Any] = {}
        for node in self.members:
            page = await node.get(query) if node.place.name not in self.down else None
            found |= {} if page is None else {row["id"]: row for row in page["items"]}
        return list(found.values())

    # ---------------------------------------------------------------- days
    async def trade(self, day: Day) -> None:
        """Every buyer's node initiates its trades of the day; the sellers' nodes affirm them."""
        for who in self.replay.founded.members:
            mine = [trade for trade in day.trades if member_of(trade.buyer) == who.lei]
            for start in range(0, len(mine), BATCH):
                chunk = [fields_of(trade) for trade in mine[start : start + BATCH]]
                await self.post(self.nodes[who.lei], "/v1/trades", {"trades": chunk})
        self.submitted += len(day.trades)

    async def registered(self) -> None:
        """Until every node that is up holds all trades submitted so far."""

        async def all_there() -> bool:
            found = [await node.get("/v1/status") for node in self._up()]
            return all(
                s is not None and s["live_contracts"] == self.submitted - self.ended for s in found
            )

        await self.until(all_there, f"registering {self.submitted} trades", 300)

    async def mark(self, day: Day) -> None:
        """The three oracles mark every feed for the date."""
        marks = tuple(FeedMark(FeedCode(f"EQ-{x}"), price) for x, price in day.prices.items())
        for oracle in self.replay.founded.oracles:
            await self._submit(SubmitOracle(oracle.lei, day.date, marks), oracle, "oracle")

    async def settled(self, day: Day) -> None:
        """Until the date's netting round is settled on every node that is up."""

        async def done() -> bool:
            for node in self._up():
                found = await node.get("/v1/rounds?limit=1")
                newest = found["items"][0] if found and found["items"] else None
                if newest is None or (newest["date"], newest["state"]) != (day.date, "SETTLED"):
                    return False
            return True

        await self.until(done, f"settling {day.date}", 120)

    async def level(self) -> list[dict[str, Any]]:
        """Until all nodes are at one height; their status there."""
        found: list[dict[str, Any]] = []

        async def same() -> bool:
            nonlocal found
            answers = await asyncio.gather(*(n.get("/v1/status") for n in self.nodes.values()))
            found = [answer for answer in answers if answer is not None]
            heights = {(s["height"], s["state_root"]) for s in found}
            return len(found) == len(self.nodes) and len(heights) == 1

        await self.until(same, "bringing all nodes to one height", 60)
        return found

    async def until(
        self, condition: Callable[[], Awaitable[bool]], what: str, seconds_max: float
    ) -> None:
        """Wait for a condition; raises `ReplayStuck`, or `NodeDied` if a process has ended."""
        end = time.monotonic() + seconds_max
        while not await condition():
            self.processes.check()
            if time.monotonic() > end:
                raise ReplayStuck(f"{what}: not done in {seconds_max:.0f} s")
            await asyncio.sleep(0.1)

    def _up(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.place.name not in self.down]

    def _able(self) -> Node:
        return next(node for node in self.members if node.place.name not in self.down)

    async def _submit(self, action: Action, signer: Identity, purpose: str) -> None:
        node = self._able()
        status = await node.get("/v1/status")
        height = 0 if status is None else status["height"]
        self._nonce += 1
        tx = unsigned(
            self.replay.founded.genesis.chain_id,
            action,
            nonce=self._nonce,
            valid_until=height + VALID_HEIGHTS,
        )
        complete = signed(tx, signer.key(purpose))
        await self.post(node, "/v1/transactions", {"tx": encode(complete).hex()})

    async def post(self, node: Node, path: str, content: Any) -> None:
        """Post, trying again while the node says "later"; raises `ReplayStuck`."""
        for _ in range(100):
            try:
                answer = await node.post(path, content)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.is_success:
                return
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise ReplayStuck(f"{node.place.name} {path}: {answer.text[:300]}")
            await asyncio.sleep(0.3)
        raise ReplayStuck(f"{node.place.name} {path}: no answer")
