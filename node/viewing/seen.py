"""The ledger as a viewer sees it: its state, its events, its transactions."""

from collections.abc import Iterator
from typing import Any, Self, TypeVar, cast

from ledger import actions as act
from ledger import events as e
from ledger.state import State
from ledger.tables import Table
from node.viewing import concerns
from node.viewing.concerns import Concern
from node.viewing.viewer import NotYours, Viewer, viewer_now
from wire.codec import Record

R = TypeVar("R", bound=Record)


def sees(viewer: Viewer, concern: Concern) -> bool:
    """Whether it is the viewer's to see."""
    if viewer.everything or concern.public:
        return True
    if not concern.members:
        return False
    if concern.together:
        return all(viewer.may_see((one,)) for one in concern.members)
    return viewer.may_see(concern.members, concern.product, concern.date)


def _part(viewer: Viewer, concern: Concern, record: Any) -> Any:
    """What a viewer who sees something sees of it: all, if it is its own."""
    if not concern.public or (concern.members and viewer.may_see(concern.members)):
        return record
    return concerns.public_part(record)


class SeenState(State):
    """A state of which a viewer sees its part: other rows are as if they were not there."""

    __slots__ = ("_viewer", "_whole")

    _viewer: Viewer
    _whole: State

    @classmethod
    def of(cls, state: State, viewer: Viewer) -> Self:
        """What a viewer sees of a state."""
        made = cls.empty()
        made.tree = state.tree
        made._whole = state
        made._viewer = viewer
        return made

    def _seen(self, key: bytes, row: Record | None) -> Any:
        if row is None:
            return None
        concern = concerns.of_row(self._whole, key, row)
        if not sees(self._viewer, concern):
            return None
        return _part(self._viewer, concern, row)

    def row(self, key: bytes) -> Record | None:
        """The row of `key`, if it is there to be seen."""
        return cast("Record | None", self._seen(key, self._whole.row(key)))

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The row of `key` in `table`, if it is there to be seen."""
        return cast("R | None", self._seen(key, self._whole.get(table, key)))

    def scan(self, table: Table[R]) -> list[tuple[bytes, R]]:
        """The rows of a table that are to be seen, sorted by key."""
        found = [(key, self._seen(key, row)) for key, row in self._whole.scan(table)]
        return [(key, row) for key, row in found if row is not None]

    def indexed(self, table: Table[Any], value: int) -> list[bytes]:
        """Keys of the rows of `table` that are indexed under `value` and to be seen, sorted."""
        return [key for key in self._whole.indexed(table, value) if self.row(key) is not None]

    def rows(self) -> Iterator[tuple[bytes, Record]]:
        """Every (key, row) that is to be seen."""
        for key, _ in self._whole.rows():
            row = self.row(key)
            if row is not None:
                yield key, row


def seen_state(state: State) -> State:
    """What who asks sees of a state."""
    viewer = viewer_now()
    return state if viewer.everything else SeenState.of(state, viewer)


def seen_event(state: State, event: e.Event) -> e.Event | None:
    """What who asks sees of an event; None: nothing."""
    viewer = viewer_now()
    if viewer.everything:
        return event
    concern = concerns.of_event(state, event)
    if not sees(viewer, concern):
        return None
    return cast("e.Event", _part(viewer, concern, event))


def sees_action(state: State, action: act.Action) -> bool:
    """Whether who asks sees what a transaction does."""
    viewer = viewer_now()
    return viewer.everything or sees(viewer, concerns.of_action(state, action))


def check_own(state: State, *actions: act.Action) -> None:
    """That transactions are the business of who asks about them; raises `NotYours`."""
    for action in actions:
        if not sees_action(state, action):
            raise NotYours(type(action).__name__)


def check_row(state: State, key: bytes) -> None:
    """That a row is the business of who wants it proved, also one that is not there; raises
    `NotYours`."""
    viewer = viewer_now()
    row = state.row(key)
    concern = concerns.of_row(state, key, row)
    changed = row is not None and _part(viewer, concern, row) != row
    if not viewer.everything and (changed or not sees(viewer, concern)):
        raise NotYours("the row that the proof is of")
