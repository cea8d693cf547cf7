"""A person of an authority looks at a member's data on a real network: the hash is on the ledger
at once, the member sees it, and after the embargo what was looked at, and why."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger import objects as o
from ledger.actions import CastVote, Propose
from node.home import Home
from node.tokens import Looking, Scope, Tokens
from tests.e2e.network import RealNetwork
from wire.ids import Date

pytestmark = pytest.mark.e2e

EMBARGO = 20


@pytest.fixture
def mandated(network: RealNetwork) -> Iterator[httpx.Client]:
    """A client of a person of the observer's authority, under a mandate granted by vote."""
    founded = network.founded
    authority = founded.observers[0]
    grant = o.GrantMandate(
        o.Mandate(
            authority=authority.lei,
            reference="M1",
            products=(),
            members=(founded.members[0].lei,),
            first_date=Date(20080101),
            last_date=Date(20091231),
            embargo_blocks=EMBARGO,
            disclosure_blocks=200,
            basis="Securities Act, section 12",
        )
    )
    proposer = founded.members[0]
    made = network.submit(network.tx(Propose(proposer.lei, grant, "")), "governance", proposer)
    assert made.status_code == 201, made.text
    network.until(lambda: bool(items(network, 0, "/v1/proposals")), 20)
    for who in founded.members[:3]:
        vote = network.tx(CastVote(who.lei, 1, in_favour=True))
        assert network.submit(vote, "governance", who).status_code == 201
    observer = network.places[4]
    network.until(lambda: bool(items(network, 4, "/v1/tables/mandate")), 30)
    looking = Looking("inspector 7", "M1", "complaint 12/24")
    secret = Tokens(Home(Path(observer.home))).create("i7", (Scope.READ,), 0, None, looking)
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=observer.url(), headers=headers, timeout=30) as client:
        yield client


def items(network: RealNetwork, place: int, path: str) -> list[Any]:
    found: list[Any] = network.get(network.places[place], path)["items"]
    return found


def looks(network: RealNetwork, place: int) -> list[Any]:
    found: list[Any] = network.get(network.places[place], "/v1/observer/looks")["looks"]
    return found


def test_a_look_is_on_record_at_once_and_disclosed_after_the_embargo(
    network: RealNetwork, mandated: httpx.Client
) -> None:
    member, stranger = network.founded.members[0], network.founded.members[1]
    answer = mandated.get(f"/v1/accounts/{member.lei}")
    assert answer.status_code == 200
    assert answer.json()["balances"]
    assert mandated.get(f"/v1/observer/members/{stranger.lei}").status_code == 403

    network.until(lambda: bool(looks(network, 0)), 20)
    (hashed,) = looks(network, 0)
    assert (hashed["person"], hashed["member"], hashed["disclosed"]) == ("", "", 0)
    assert hashed["due"] == hashed["committed"] + EMBARGO + 200

    for _ in range(3):  # the same view again is the same look
        assert mandated.get(f"/v1/accounts/{member.lei}").status_code == 200
    assert len(looks(network, 0)) == 1

    network.until(lambda: bool(looks(network, 0)[0]["disclosed"]), 90)
    (told,) = looks(network, 0)
    assert told["disclosed"] >= told["committed"] + EMBARGO
    assert (told["member"], told["person"]) == (member.lei, "inspector 7")
    assert told["what"] == f"/v1/accounts/{member.lei}"
    assert told["purpose"] == "complaint 12/24"
    assert not told["overdue"]
    assert len(bytes.fromhex(told["digest"])) == hashlib.sha256().digest_size
    (strange,) = looks(network, 1)  # another member learns that there was a look, and no more
    assert (strange["disclosed"], strange["member"], strange["what"]) == (told["disclosed"], "", "")

    assert network.client(network.places[0]).get("/looks").status_code == 200
