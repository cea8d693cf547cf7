"""Where the parts of the core leave what is to be done, in order, and read the time."""

from node.core import effects as e
from node.messages import DirectMessage


class Outbox:
    """The effects of the input under way, and its time."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._effects: list[e.Effect] = []

    def emit(self, effect: e.Effect) -> None:
        """Ask the shell for `effect`, after those before it."""
        self._effects.append(effect)

    def send(self, peer: str, message: DirectMessage) -> None:
        """Send to one peer."""
        self._effects.append(e.Send(peer, message))

    def note(self, event: str, **fields: str | int) -> None:
        """Tell the operators."""
        self._effects.append(e.Note(event, fields))

    def take(self) -> list[e.Effect]:
        """The effects since the last call."""
        taken, self._effects = self._effects, []
        return taken
