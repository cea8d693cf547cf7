"""A viewer, and the one that asks at the moment.

The guard of the API finds out who asks and says so here, for the context of that request; whatever
reads rows afterwards, in the request's task or in a thread of it, is shown what this viewer may
see. Where nobody has been named, only what is public is seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Final

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.state import State
from wire.errors import Rejection
from wire.ids import member_of


class MandateNotInForce(Rejection):
    """The mandate that a token rests on is not on the ledger, or not any more."""

    code = "VIEW_NO_MANDATE"
    remedy = "`dcn ledger mandate` lists those in force; make a token under one of them."


class NotYours(Rejection):
    """This is another member's business."""

    code = "VIEW_NOT_YOURS"
    remedy = "Ask the member, or look under a mandate that names it."


class Mandated(msgspec.Struct, frozen=True):
    """A person of an authority, and the mandate it looks under."""

    authority: str
    person: str
    purpose: str
    mandate: o.Mandate
    whole: bool
    """Whether the mandate names every product that the ledger lists: what adds up several
    products, as accounts, netting sets and calls do, is seen under such a mandate only."""
    today: int
    """The business date: of what has no date, as balances. 0: none is open or closed."""


class Viewer(msgspec.Struct, frozen=True):
    """Who looks."""

    name: str
    """Of the token."""
    own: str = ""
    """The LEI whose business it is; empty: nobody's."""
    mandated: Mandated | None = None
    where: str = ""
    """The path and query that it asks for."""
    everything: bool = False
    """Whether it looks at a network of which it may see all: see `api.shows`."""

    def may_see(
        self, members: Iterable[str] = (), product: str = "", date: int | None = None
    ) -> bool:
        """Whether business of these members, or clients of them, in this product on this date is
        the viewer's to see. No members: it is nobody's, and public. No product: it may be of any.
        No date: it is of now."""
        concerned = [member_of(one) for one in members]
        if self.everything or not concerned:
            return True
        if self.mandated is not None:
            return _covers(self.mandated, concerned, product, date)
        return bool(self.own) and self.own in concerned


def _covers(by: Mandated, members: Sequence[str], product: str, date: int | None) -> bool:
    mandate = by.mandate
    named = not mandate.members or any(one in mandate.members for one in members)
    listed = not mandate.products or product in [o.Product(x).name for x in mandate.products]
    products = listed if product else by.whole
    day = by.today if date is None else date
    return named and products and mandate.first_date <= day <= mandate.last_date


NOBODY: Final = Viewer("nobody")
_NOW: Final[ContextVar[Viewer]] = ContextVar("viewer", default=NOBODY)


def check_for_own() -> None:
    """That who asks acts for the node's own member: its book, its submissions and requests are not
    what a mandate is about; raises `NotYours`."""
    if viewer_now().mandated is not None:
        raise NotYours("what the node's own member has entered")


def looks(viewer: Viewer) -> None:
    """From here on, in this context, it is `viewer` who looks."""
    _NOW.set(viewer)


@contextmanager
def looking(viewer: Viewer) -> Iterator[None]:
    """Inside, it is `viewer` who looks; afterwards who did before."""
    before = _NOW.set(viewer)
    try:
        yield
    finally:
        _NOW.reset(before)


def viewer_now() -> Viewer:
    """Who looks."""
    return _NOW.get()


def mandated(state: State, authority: str, reference: str, person: str, purpose: str) -> Mandated:
    """A person under a mandate as the ledger has it now; raises `MandateNotInForce`."""
    found = state.get(t.MANDATES, t.MANDATES.key(authority, reference))
    if found is None:
        raise MandateNotInForce(f"{reference[:40]} of {authority[:40]}")
    network = state.must(t.NETWORK, t.network_key())
    return Mandated(
        authority=authority,
        person=person,
        purpose=purpose,
        mandate=found,
        whole=not found.products or all(one in found.products for one in _listed(state)),
        today=network.business_date or network.closed_date or 0,
    )


@lru_cache(maxsize=2)
def _listed(state: State) -> tuple[o.Product, ...]:
    """The products of all instruments; a walk through the state, so it is done once a block."""
    return tuple({row.product: None for _, row in state.scan(t.INSTRUMENTS)})
