"""Sessions of browsers: a token given once, a cookie from then on. They only read."""

import secrets
from typing import Final

COOKIE: Final = "dcn_session"

SESSIONS_MAX: Final = 1_000
"""Kept at a time; the oldest is forgotten first."""

SESSION_MS: Final = 12 * 3_600_000
"""A session ends after so long, and with the node."""


class Sessions:
    """Session ids and the tokens behind them, in memory only."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, int]] = {}

    def begin(self, token: str, now_ms: int) -> str:
        """The id of a new session of a token."""
        while len(self._known) >= SESSIONS_MAX:
            self._known.pop(next(iter(self._known)))
        ident = secrets.token_urlsafe(32)
        self._known[ident] = (token, now_ms + SESSION_MS)
        return ident

    def token(self, ident: str, now_ms: int) -> str | None:
        """The token of a session, as long as it lasts. Whether the token does, ask the tokens."""
        found = self._known.get(ident)
        if found is None or found[1] <= now_ms:
            self._known.pop(ident, None)
            return None
        return found[0]

    def end(self, ident: str) -> None:
        """Forget a session."""
        self._known.pop(ident, None)
