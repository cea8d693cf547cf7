"""Routes about membership, proposals, the rulebook and evidence."""

from typing import Any

from litestar import get

from ledger import objects as o
from ledger import tables as t
from node.api import views
from node.api.errors import NotFound
from node.api.reading import After, AfterNumber, Limit, Number, number_of, page_of
from node.apitypes import answers as a
from node.apitypes.shown import Line, Shown
from node.daemon import Daemon


def governance_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""
    shell = daemon.shell

    @get("/proposals", sync_to_thread=False)
    def proposals(
        after: AfterNumber = "", limit: Limit = 100
    ) -> a.Page[Line[a.ProposalOf, o.Proposal]]:
        """Proposals, newest first; of open ones the votes as they stand. `after`: older than this
        number."""
        found = views.proposals(shell.tip.state, number_of(after) if after else None)
        return page_of(found, limit, shell.tip.height, lambda line: line.extra.number)

    @get("/proposals/{number:str}", sync_to_thread=False)
    def proposal(number: Number) -> Line[a.OpenProposal, o.Proposal]:
        """A proposal and who has voted how."""
        found = views.proposal(shell.tip.state, number_of(number), shell.tip.height)
        if found is None:
            raise NotFound(f"proposal {number}")
        return found

    @get("/rulebook", sync_to_thread=False)
    def rulebook() -> a.RulebookView:
        """The parameters in force."""
        tip = shell.tip
        book = tip.state.must(t.RULEBOOK, t.rulebook_key())
        version, digest = views.rulebook(tip.state)
        return a.RulebookView(
            as_of_height=tip.height,
            rulebook=Shown(book),
            rulebook_version=version,
            rulebook_hash=digest,
        )

    @get("/rulebook/{version:str}", sync_to_thread=False)
    def rulebook_version(version: Number) -> Line[a.AsOf, o.RulebookVersion]:
        """A version of the rulebook, its hash, and the height that put it in force."""
        row = shell.tip.state.get(t.RULEBOOKS, t.RULEBOOKS.key(number_of(version)))
        if row is None:
            raise NotFound(f"rulebook version {version}")
        return Line(a.AsOf(as_of_height=shell.tip.height), row)

    @get("/offences", sync_to_thread=False)
    def offences(after: After = "", limit: Limit = 100) -> a.Page[Line[a.OffenceOf, o.Offence]]:
        """Evidence against validators that stands in blocks, in order of the rows' `id`."""
        found = (line for line in views.offences(shell.tip.state) if line.extra.id > after)
        return page_of(found, limit, shell.tip.height, lambda line: line.extra.id)

    return [proposals, proposal, rulebook, rulebook_version, offences]
