"""A network of real node processes for tests, driven over its APIs."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from ledger.actions import Action, Mint, RegisterTrade
from ledger.genesis import genesis_hash
from ledger.objects import Trade, TradeSource
from ledger.transactions import Transaction, signed, unsigned
from node.blotter import fields_of
from node.cli.testnet.layout import Pace, Place, lay_out, names_in
from node.cli.testnet.links import Links
from node.cli.testnet.plan import CASH, Replay, make_replay
from node.cli.testnet.processes import Processes
from node.founding import CURRENCY, Identity
from node.home import Home
from wire.codec import encode
from wire.ids import InstrumentCode, Uti


class RealNetwork:
    """Members, observers and their identities; `idle` observers have a place but no process."""

    def __init__(
        self,
        directory: Path,
        *,
        members: int,
        observers: int,
        idle: int,
        seed: int,
        wires: bool = False,
    ) -> None:
        """`wires`: the nodes reach each other over `links`, which can be cut."""
        self.replay: Replay = make_replay(
            members=members, observers=observers + idle, days=1, trades=1, seed=seed
        )
        self.founded = self.replay.founded
        self.links = Links(names_in(self.replay)) if wires else None
        self.places = lay_out(directory, self.replay, Pace(block_interval_ms=100), self.links)
        self.running = self.places[: members + observers]
        self.processes = Processes(directory, self.places)
        self.chain_id = self.founded.genesis.chain_id
        self.genesis_hash = genesis_hash(self.founded.genesis)
        self._clients = {p.name: _client(p) for p in self.running}
        self._nonce = time.time_ns()
        self._utis = 0

    def start(self) -> None:
        """Start all, and wait until they are connected and funded."""
        if self.links is not None:
            self.links.start({place.name: place.p2p for place in self.places})
        for place in self.running:
            self.processes.start(place.name)
        wanted = len(self.running) - 1
        self.until(
            lambda: all((s := self.status(p)) and len(s["peers"]) >= wanted for p in self.running),
            60,
        )
        for who in self.founded.members:
            answer = self.submit(
                self.tx(Mint(CURRENCY, who.lei, CASH, "test")), "treasury", self.founded.issuer
            )
            assert answer.status_code == 201, answer.text
        count = len(self.founded.members)
        last, its = self.founded.members[-1].lei, self.places[count - 1]
        self.until(lambda: bool(self.get(its, f"/v1/accounts/{last}")["balances"]), 30)

    def join(self, place: Place) -> None:
        """Start a node that has had a place only."""
        self.processes.start(place.name)
        self._clients[place.name] = _client(place)
        self.running = [*self.running, place]

    def stop(self) -> None:
        """Stop all processes."""
        for client in self._clients.values():
            client.close()
        asyncio.run(self.processes.stop_all())
        if self.links is not None:
            self.links.stop()

    # ---------------------------------------------------------------- the API
    def client(self, place: Place) -> httpx.Client:
        """The client of a node."""
        return self._clients[place.name]

    def get(self, place: Place, path: str) -> Any:
        """A JSON answer."""
        answer = self.client(place).get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def status(self, place: Place) -> Any:
        """The node's status; None while it does not answer."""
        try:
            return self.get(place, "/v1/status")
        except httpx.HTTPError:
            return None

    def post(self, place: Place, path: str, content: Any) -> httpx.Response:
        """An answer of any status."""
        return self.client(place).post(path, json=content)

    def submit(
        self, tx: Transaction, purpose: str = "", *signers: Identity, place: Place | None = None
    ) -> httpx.Response:
        """Sign and submit."""
        complete = signed(tx, *(who.key(purpose) for who in signers))
        return self.post(
            place or self.places[0], "/v1/transactions", {"tx": encode(complete).hex()}
        )

    # ---------------------------------------------------------------- making things
    def tx(
        self, action: Action, *, ahead: int = 500, nonce: int | None = None, height: int = -1
    ) -> Transaction:
        """An unsigned transaction with a fresh nonce; trades have nonce 0."""
        self._nonce += 1
        chosen = 0 if isinstance(action, RegisterTrade) else self._nonce if nonce is None else nonce
        if height < 0:
            height = self.get(self.places[0], "/v1/status")["height"]
        return unsigned(self.chain_id, action, nonce=chosen, valid_until=height + ahead)

    def trade(self, buyer: int = 0, seller: int = 1, **changed: Any) -> Trade:
        """A good trade between two members, with fields changed."""
        self._utis += 1
        one, other = self.founded.members[buyer], self.founded.members[seller]
        fields: dict[str, Any] = {
            "uti": Uti(f"{one.lei}E{self._utis:06d}"),
            "buyer": one.lei,
            "seller": other.lei,
            "instrument": InstrumentCode("FWD-KO"),
            "quantity": 100,
            "price": 17_000,
            "trade_date": 20080912,
            "source": TradeSource.OTC,
            "reference": "",
        }
        return Trade(**(fields | changed))

    def fields(self, trade: Trade) -> dict[str, str]:
        """As the API takes it."""
        return fields_of(trade)

    # ---------------------------------------------------------------- waiting and comparing
    def until(self, condition: Callable[[], bool], seconds_max: float) -> None:
        """Wait for the network; fails after `seconds_max`."""
        end = time.monotonic() + seconds_max
        while not condition():
            self.processes.check()
            assert time.monotonic() < end, "the network has not got there"
            time.sleep(0.1)

    def all_equal(self) -> bool:
        """Whether every running node is at one height with one root."""
        found = [self.status(place) for place in self.running]
        return None not in found and len({(s["height"], s["state_root"]) for s in found}) == 1


def _client(place: Place) -> httpx.Client:
    token = Home(Path(place.home)).token()
    return httpx.Client(
        base_url=place.url(), headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
