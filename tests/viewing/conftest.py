"""A node whose every route is asked by viewers of each kind."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ledger import objects as o
from ledger import tables as t
from ledger.state import Draft
from node.daemon import Daemon
from node.home import Home
from node.looks.desk import Looks
from node.observer.app import observed
from node.observer.catching_up import catch_up, store_of
from node.tokens import Looking, Scope, Tokens
from tests.node.stores import fill, small_network
from wire.ids import Date, Lei

FOUNDED = small_network()
MEMBERS = tuple(who.lei for who in FOUNDED.members)
WATCH = FOUNDED.observers[0].lei


def mandate(reference: str, **changed: Any) -> o.Mandate:
    """One over everything, but for what is changed."""
    return msgspec.structs.replace(
        o.Mandate(
            authority=WATCH,
            reference=reference,
            products=(),
            members=(),
            first_date=Date(20080101),
            last_date=Date(20081231),
            embargo_blocks=5,
            disclosure_blocks=5,
            basis="Securities Act, section 12",
        ),
        **changed,
    )


MANDATES = {
    one.reference: one
    for one in (
        mandate("ALL"),
        mandate("SECOND", members=(MEMBERS[1],)),
        mandate("PAIR", members=(MEMBERS[1], MEMBERS[2])),
        mandate("FORWARDS", products=(o.Product.EQUITY_FORWARD,)),
        mandate("CURRENCY", products=(o.Product.FX_FORWARD,)),
        mandate("LATER", first_date=Date(20081001)),
    )
}


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A member's home, and the observer's, of one network."""
    found = {}
    for name, watched in (("member", False), ("observer", True)):
        home = Home(tmp_path_factory.mktemp("viewing") / name)
        fill(home, watched=watched)
        text = home.config_file.read_text().replace('shows = "everything"', 'shows = "own"')
        home.config_file.write_text(text)
        with contextlib.closing(store_of(home)) as store:
            catch_up(home, store)
        found[name] = home.path
    return found


@contextlib.asynccontextmanager
async def node_of(home: Path, at: Path) -> AsyncIterator[tuple[Daemon, Any]]:
    """A node of a copy of a home with all mandates on its ledger, and its application."""
    shutil.copytree(home, at)
    daemon = await Daemon.open(at)
    state = daemon.shell.tip.state
    draft = Draft(state)
    for one in MANDATES.values():
        draft.put(t.MANDATES, t.MANDATES.key(one.authority, one.reference), one)
    tip = msgspec.structs.replace(daemon.shell.tip, state=state.folded(draft)[0])
    daemon.shell.tip = tip
    with observed(daemon) as (app, feed):
        while feed.height < tip.height:
            await feed.reached().wait()
        yield daemon, app
    daemon._log.close()
    await daemon.store.close()


@pytest.fixture
async def member(homes: dict[str, Path], tmp_path: Path) -> AsyncIterator[tuple[Daemon, Any]]:
    """The node of the first member."""
    async with node_of(homes["member"], tmp_path / "member") as found:
        yield found


@pytest.fixture
async def authority(homes: dict[str, Path], tmp_path: Path) -> AsyncIterator[tuple[Daemon, Any]]:
    """The node of the authority."""
    async with node_of(homes["observer"], tmp_path / "authority") as found:
        yield found


def person(daemon: Daemon, reference: str) -> str:
    """The token of a person under a mandate."""
    looking = Looking("inspector 7", reference, "complaint 12/24")
    return Tokens(daemon.home).create(reference, (Scope.READ,), 0, None, looking)


def client_of(app: Any, token: str) -> httpx.AsyncClient:
    """A client with a token; what the application raises becomes a 500."""
    through = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=through, base_url="http://node", headers=headers)


assert len(set(MEMBERS)) == len(MEMBERS)
assert Lei(WATCH)


@pytest.fixture
def free_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks go on no record: what is tested is what is seen."""

    async def shown(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(Looks, "record", shown)
