"""The calls of the API as data: what is asked, and the type of the answer."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from ledger import objects as o
from ledger.objects import Trade
from ledger.transactions import Transaction
from node.apitypes import answers as a
from node.apitypes import outcomes
from node.apitypes.shown import Line, Shown, from_json
from node.blotter import fields_of
from node.client.errors import NotANode
from node.forms import BadForm
from wire.codec import encode

T = TypeVar("T")


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One request, and the type `answer` of what comes back."""

    path: str
    answer: Any
    query: dict[str, Any] = {}
    body: Any = None
    """JSON of a POST; None: a GET."""
    key: str | None = None
    """Of idempotency: the same request again gets the same answer and is not done twice."""

    def read(self, content: bytes) -> T:
        """The typed answer; raises `NotANode`."""
        try:
            found: T = msgspec.json.decode(content, type=self.answer, dec_hook=from_json)
        except (msgspec.MsgspecError, BadForm) as error:
            raise NotANode(f"{self.path}: {error}") from None
        return found


def status() -> Call[a.Status]:
    """The node, its chain and its peers."""
    return Call(path="/v1/status", answer=a.Status)


def accounts(after: str = "") -> Call[a.Page[Shown[o.Member]]]:
    """A page of members."""
    return Call(
        path="/v1/accounts", answer=a.Page[Shown[o.Member]], query={"after": after, "limit": 500}
    )


def account(lei: str, as_of: int | None = None) -> Call[a.Account]:
    """A member's balances, limits and netting sets."""
    query = {} if as_of is None else {"as_of": as_of}
    return Call(path=f"/v1/accounts/{lei}", answer=a.Account, query=query)


def block(height: int | None = None) -> Call[a.BlockView]:
    """A block; None: the latest."""
    return Call(path=f"/v1/blocks/{'latest' if height is None else height}", answer=a.BlockView)


def trades(after: str = "") -> Call[a.Page[Line[a.Registered, o.Trade]]]:
    """A page of registered trades in order of UTI."""
    kind = a.Page[Line[a.Registered, o.Trade]]
    return Call(path="/v1/trades", answer=kind, query={"after": after, "limit": 500})


def trade(uti: str) -> Call[a.TradeFollowed]:
    """A trade, registered or on its way."""
    return Call(path=f"/v1/trades/{uti}", answer=a.TradeFollowed)


def rounds(after: str = "") -> Call[a.Page[Line[a.RoundOf, o.NettingRound]]]:
    """A page of netting rounds, newest first."""
    kind = a.Page[Line[a.RoundOf, o.NettingRound]]
    return Call(path="/v1/rounds", answer=kind, query={"after": after, "limit": 500})


def events(after: str = "", kind: str = "", member: str = "") -> Call[a.Page[a.EventLine]]:
    """A page of events, oldest first."""
    query = {"after": after, "limit": 500, "kind": kind, "member": member}
    return Call(path="/v1/events", answer=a.Page[a.EventLine], query=query)


def initiate(
    given: Sequence[Trade], *, batch: bool = False, key: str | None = None
) -> Call[list[outcomes.Accepted]]:
    """Sign own trades and have the counterparties affirm them."""
    body = {"trades": [fields_of(one) for one in given], "batch": batch}
    return Call(path="/v1/trades", answer=list[outcomes.Accepted], body=body, key=key)


def submit(tx: Transaction, key: str | None = None) -> Call[outcomes.Accepted]:
    """Submit a signed transaction."""
    body = {"tx": encode(tx).hex()}
    return Call(path="/v1/transactions", answer=outcomes.Accepted, body=body, key=key)


def follow(tx_id: str) -> Call[outcomes.Followed]:
    """What became of a transaction."""
    return Call(path=f"/v1/transactions/{tx_id}", answer=outcomes.Followed)
