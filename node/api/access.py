"""Who may use a route: tokens and certificates by scope, each with its own pace."""

import time
from collections.abc import Callable
from typing import Any, Final, Self, TypeAlias

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from node.api.errors import OutOfScope, TooManyRequests, Unauthorised
from node.api.sessions import COOKIE, Sessions
from node.home import Home
from node.shell import now_ms
from node.tokens import Scope, Token, Tokens
from node.viewing.viewer import Viewer, looks

SCHEME: Final = "Bearer "
READING: Final = ("GET", "HEAD")
PAGE_HEADER: Final = "dcn-page"
"""Scripts of the page send it; a browser lets no other site send it without being asked first."""

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]
ALLOWED: Final = "allowed"
"""Where the guard leaves a function that says whether the client may still have its answer."""

CERTIFICATE: Final = "certificate"
"""Where the server leaves the client's certificate (DER) of a connection with mutual TLS."""


class Access:
    """The guard of all routes but health, metrics and the document."""

    def __init__(
        self,
        home: Home,
        requests_per_s: int,
        viewer_of: Callable[[Token], Viewer],
        cookie: str = COOKIE,
    ) -> None:
        self.cookie = cookie
        """Name of the session's: browsers send cookies to every port of a host."""
        self._tokens = Tokens(home)
        self._sessions = Sessions()
        self._pace = Pace(requests_per_s)
        self._viewer_of = viewer_of

    def __deepcopy__(self, _: object) -> Self:
        """Itself: litestar copies the guards of each route, and all routes have one pace."""
        return self

    async def guard(self, connection: Connection, to: BaseRouteHandler) -> None:
        """Raises `Unauthorised`, `OutOfScope`, `TooManyRequests`, `MandateNotInForce`.

        A coroutine: litestar runs other guards in a thread, where the viewer would be forgotten.
        """
        token = self._token_of(connection, to)
        if token is None:
            raise Unauthorised("no such token or certificate, or it has expired")
        # Reading is what GET does; a route that does otherwise says so.
        needed = to.opt.get("scope", Scope.READ if "GET" in _methods(to) else Scope.TRADE)
        if not token.allows(needed):
            raise OutOfScope(f"{token.name} has {', '.join(token.scopes)}, needs {needed}")
        if not self._pace.allows(token.name):
            raise TooManyRequests(f"{token.name}: more than {self._pace.per_s} a second")
        connection.state["client"] = token.name
        url = connection.url
        where = f"{url.path}?{url.query}" if url.query else url.path
        looks(msgspec.structs.replace(self._viewer_of(token), where=where))
        connection.state[ALLOWED] = lambda: self._still(connection, to, needed)

    def _still(self, connection: Connection, to: BaseRouteHandler, needed: Scope) -> bool:
        """Whether what the connection came with is good still: an answer may last for days."""
        token = self._token_of(connection, to)
        return token is not None and token.allows(needed)

    def _token_of(self, connection: Connection, to: BaseRouteHandler) -> Token | None:
        """By the secret if one is sent, else by the browser's session, else by the certificate of
        the connection."""
        given = connection.headers.get("authorization")
        if given is not None:
            if not given.startswith(SCHEME):
                return None
            return self._tokens.find(given.removeprefix(SCHEME), now_ms())
        secret = self._secret_of_session(connection, to)
        if secret is not None:
            return self._tokens.find(secret, now_ms())
        certificate = connection.state.get(CERTIFICATE)
        return None if certificate is None else self._tokens.of_certificate(certificate, now_ms())

    def _secret_of_session(self, connection: Connection, to: BaseRouteHandler) -> str | None:
        """What the browser's session began with; another site can have a browser send its cookie,
        so it is good for reading only, and for routes that are the page's own (`opt` `of_page`), if
        the page's header is there, which no other site can send."""
        by_page = bool(to.opt.get("of_page")) and PAGE_HEADER in connection.headers
        if connection.scope.get("method", "GET") not in READING and not by_page:
            return None
        return self._sessions.token(connection.cookies.get(self.cookie, ""), now_ms())

    def begin_session(self, secret: str) -> str:
        """The id of a new session with a token; raises `Unauthorised`, `OutOfScope`."""
        token = self._tokens.find(secret, now_ms())
        if token is None:
            raise Unauthorised("no such token, or it has expired")
        if not token.allows(Scope.READ):
            raise OutOfScope(f"{token.name} has {', '.join(token.scopes)}, needs {Scope.READ}")
        return self._sessions.begin(secret, now_ms())

    def end_session(self, connection: Connection) -> None:
        """End the session that a request comes with."""
        self._sessions.end(connection.cookies.get(self.cookie, ""))


def _methods(handler: BaseRouteHandler) -> set[str]:
    return set(getattr(handler, "http_methods", ()))


class Pace:
    """Token buckets: so many requests a second, and twice as many in a burst."""

    def __init__(self, per_s: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.per_s = per_s
        self._clock_s = clock_s
        self._buckets: dict[str, tuple[float, float]] = {}
        """Client to what is left, and when that was so. Clients are known tokens, so few."""

    def allows(self, client: str) -> bool:
        """Whether the client may have a request now, which is counted."""
        now = self._clock_s()
        left, at = self._buckets.get(client, (2.0 * self.per_s, now))
        left = min(2.0 * self.per_s, left + (now - at) * self.per_s)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        return allowed
