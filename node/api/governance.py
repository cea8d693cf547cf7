"""Routes about membership, proposals, the rulebook and evidence."""

from typing import Any

from litestar import get

from ledger import tables as t
from node.api import views
from node.api.errors import NotFound
from node.api.reading import number_of
from node.daemon import Daemon
from node.plain import plain

Json = dict[str, Any]


def governance_queries(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    shell = daemon.shell

    @get("/proposals", sync_to_thread=False)
    def proposals() -> Json:
        """All proposals, newest first; of open ones the votes as they stand."""
        tip = shell.tip
        return {"as_of_height": tip.height, "proposals": views.proposals(tip.state)}

    @get("/proposals/{number:str}", sync_to_thread=False)
    def proposal(number: str) -> Json:
        """A proposal and who has voted how."""
        found = views.proposal(shell.tip.state, number_of(number))
        if found is None:
            raise NotFound(f"proposal {number}")
        return {"as_of_height": shell.tip.height, **found}

    @get("/rulebook", sync_to_thread=False)
    def rulebook() -> Json:
        """The parameters in force."""
        tip = shell.tip
        book = tip.state.must(t.RULEBOOK, t.rulebook_key())
        return {"as_of_height": tip.height, "rulebook": plain(book), **views.rulebook(tip.state)}

    @get("/rulebook/{version:str}", sync_to_thread=False)
    def rulebook_version(version: str) -> Json:
        """A version of the rulebook, its hash, and the height that put it in force."""
        row = shell.tip.state.get(t.RULEBOOKS, t.RULEBOOKS.key(number_of(version)))
        if row is None:
            raise NotFound(f"rulebook version {version}")
        return {"as_of_height": shell.tip.height, **plain(row)}

    @get("/offences", sync_to_thread=False)
    def offences() -> Json:
        """Evidence against validators that stands in blocks."""
        tip = shell.tip
        return {"as_of_height": tip.height, "offences": views.offences(tip.state)}

    return [proposals, proposal, rulebook, rulebook_version, offences]
