"""Signing an action with a home's own keys, sending it through a node, and following it."""

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from node.cli.output import Exit, pairs, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.actions import Action
    from ledger.transactions import Transaction
    from node.cli.client import Client
    from wire.signing import SigningKey

VALID_HEIGHTS: Final = 1_000
POLL_S: Final = 0.15


def signed_action(client: "Client", action: "Action", *keys: "SigningKey") -> "Transaction":
    """`action`, signed for the client's network and valid for a while from now."""
    from ledger.transactions import signed, unsigned

    status = client.get("/v1/status")
    tx = unsigned(
        status["chain_id"],
        action,
        nonce=secrets.randbits(63),
        valid_until=status["height"] + VALID_HEIGHTS,
    )
    return signed(tx, *keys)


def own_key(home: "Path", purpose: str) -> "SigningKey":
    """A signing key of the home; raises `HomeIncomplete`."""
    from node.home import Home

    return Home(home).keys().signing(purpose)


def send(client: "Client", tx: "Transaction", seconds: float) -> dict[str, Any]:
    """Submit `tx` and follow it; its last known status. Raises the node's `CodedError`."""
    from wire.codec import encode

    found: dict[str, Any] = client.post("/v1/transactions", {"tx": encode(tx).hex()})
    end = time.monotonic() + seconds
    while found["status"] == "pending" and time.monotonic() < end:
        time.sleep(POLL_S)
        found = client.get(f"/v1/transactions/{found['tx_id']}")
    return found


def wait_for(client: "Client", height: int, seconds: float) -> None:
    """Until the node has a height, or the time is over."""
    end = time.monotonic() + seconds
    while client.get("/v1/status")["height"] < height and time.monotonic() < end:
        time.sleep(POLL_S)


def tell(found: dict[str, Any], as_json: bool, title: str) -> None:
    """Show what became of a transaction, and exit: 0 decided, 1 still waiting, 4 refused."""
    if as_json:
        print_json(found)
    else:
        pairs(title, {name: value for name, value in found.items() if value != ""})
    codes = {"decided": Exit.OK, "pending": Exit.VERDICT}
    raise SystemExit(int(codes.get(found["status"], Exit.REJECTED)))
