"""What a replay can jump to: defaults, late payers, netting rounds, the close of dates.

All of these are public events of the ledger, so they are told to whoever may read the page.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

from ledger import events as e
from ledger import objects as o
from node.apitypes.answers import Answer
from node.audit.source import Source, blob
from node.storage.errors import StoreDamaged
from wire.codec import decode
from wire.errors import CodedError
from wire.limits import BLOCK_BYTES_MAX

Kind = Literal["default", "late", "round", "date"]

_ANY_EVENT: Final[Any] = e.Event
"""A union is no `type` to mypy."""


class Mark(Answer, frozen=True):
    """A block in which something happened that one may want to see."""

    height: int
    time_ms: int
    """Of its header."""
    kind: Kind
    """`default`: a step of a case; `late`: somebody failed to pay into a round; `round`: a round
    was frozen or settled; `date`: a business date was closed."""
    what: str


def events_of(source: Source, after: int, last: int) -> Iterator[tuple[int, e.Event]]:
    """Height and event, in their order, of the blocks above `after` up to `last`; raises
    `StoreDamaged`."""
    query = "SELECT height, event FROM events WHERE height>? AND height<=? ORDER BY sequence"
    for height, raw in source.rows(query, after, last):
        try:
            yield height, decode(blob(raw), _ANY_EVENT, BLOCK_BYTES_MAX)
        except CodedError as error:
            raise StoreDamaged(f"an event of block {height}: {error}") from None


def told(event: e.Event) -> Iterator[tuple[Kind, str]]:
    """What there is to jump to in an event."""
    match event:
        case e.NoticeGiven():
            yield "default", f"case {event.case}: notice to {event.member} ({event.reason})"
        case e.NoticeEnded():
            how = "cured" if event.cured else "taken back"
            yield "default", f"case {event.case}: the notice to {event.member} is {how}"
        case e.DefaultDeclared():
            yield "default", f"case {event.case}: {event.member} is in default"
        case e.CaseMoved():
            state = o.CaseState(event.state).name.replace("_", " ").lower()
            yield "default", f"case {event.case}: {state}"
        case e.RoundFrozen():
            yield "round", f"round {event.number} is frozen"
        case e.RoundSettled():
            late = dict.fromkeys((*event.liquidity_events, *event.failed))
            if late:
                yield "late", f"round {event.number}: {', '.join(late)} did not pay in full"
            yield "round", f"round {event.number} is settled"
        case e.DateClosed():
            yield "date", f"business date {event.date} is closed"


def case_of(event: e.Event, number: int) -> bool:
    """Whether an event is of a case."""
    return getattr(event, "case", None) == number


def ends_case(event: e.Event) -> bool:
    """Whether a case is over with an event of it."""
    match event:
        case e.CaseMoved(state=state):
            return state == o.CaseState.CLOSED
        case e.NoticeEnded():
            return True
        case _:
            return False
