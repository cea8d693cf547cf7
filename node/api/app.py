"""The API's application: its routes, who may use them, and the one form of its errors."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.exceptions import HTTPException
from litestar.types import Guard

from node.api.access import Access
from node.api.accounts import account_routes
from node.api.errors import (
    BadRequest,
    BodyTooLarge,
    MethodWrong,
    NotFound,
    TooManyRequests,
    TooManyStreams,
    status_of,
)
from node.api.events import event_routes
from node.api.governance import governance_routes
from node.api.ledger import ledger_routes
from node.api.light import light_routes
from node.api.network import network_routes
from node.api.proving import proof_routes
from node.api.schema import DocumentedErrors, RecordSchemas, document_config, named
from node.api.signing import signing_routes
from node.api.submissions import submission_routes
from node.api.trades import trade_routes
from node.apitypes.answers import ErrorAnswer, Health
from node.apitypes.shown import AnyRow, Line, Shown, to_json
from node.config import EVERYTHING, Config
from node.daemon import Daemon
from node.metrics import metrics_text
from node.tokens import Token
from node.viewing.viewer import Viewer, check_for_own, mandated
from wire.errors import CodedError

Req = Request[Any, Any, Any]
BeforeAnswer = Callable[[Any], Awaitable[Any]]


def access_of(daemon: Daemon) -> Access:
    """Who may use the node's API."""

    def viewer_of(token: Token) -> Viewer:
        own, state = daemon.config.lei, daemon.shell.tip.state
        if token.person:
            by = mandated(state, own, token.mandate, token.person, token.purpose)
            return Viewer(token.name, mandated=by)
        return own_viewer(token, daemon.config, is_member=daemon.is_member)

    return Access(daemon.home, daemon.config.api.requests_per_s, viewer_of)


def own_viewer(token: Token, config: Config, *, is_member: bool) -> Viewer:
    """Who looks with a token that is under no mandate."""
    # What a member's node shows is the member's; other nodes may be said to show it all.
    everything = config.api.shows == EVERYTHING and not is_member
    return Viewer(token.name, own=config.lei, everything=everything)


async def unrecorded(answer: Any) -> Any:
    """Where looks are put on no record there are none under a mandate; raises `NotYours`."""
    check_for_own()
    return answer


def make_app(
    daemon: Daemon,
    access: Access | None = None,
    more: Sequence[Any] = (),
    beside: Sequence[Any] = (),
    before_answer: BeforeAnswer = unrecorded,
) -> Litestar:
    """The ASGI application of one node. `more`: further routes under /v1; `beside`: routers of
    their own, which see to their guards themselves. `before_answer`: is given every answer of all
    of these before the client is."""
    access = access or access_of(daemon)
    return _app(daemon, [access.guard], more, beside, before_answer)


def document(more: Sequence[Any] = ()) -> dict[str, Any]:
    """The OpenAPI document of every node of this version, made without one. `more`: as above."""
    return named(_app(nowhere(), [], more, ()).openapi_schema)


class _Nowhere:
    """Stands where a daemon would be: for the document routes are described and not called."""

    def __getattr__(self, _: str) -> "_Nowhere":
        return self

    def __call__(self, *_: object) -> None:
        return None


def nowhere() -> Any:
    """What routes are made of when they are only to be described."""
    return _Nowhere()


def _app(
    daemon: Daemon,
    guards: list[Guard],
    more: Sequence[Any],
    beside: Sequence[Any],
    before_answer: BeforeAnswer | None = None,
) -> Litestar:
    guarded = Router(
        "/v1",
        guards=guards,
        route_handlers=[
            *more,
            *network_routes(daemon),
            *account_routes(daemon),
            *trade_routes(daemon),
            *event_routes(daemon),
            *governance_routes(daemon),
            *ledger_routes(daemon),
            *light_routes(daemon),
            *proof_routes(daemon),
            *submission_routes(daemon),
            *signing_routes(daemon),
        ],
    )

    @get("/v1/health", security=[{}], sync_to_thread=False)
    def health() -> Health:
        """Whether the node runs."""
        return Health(status="ok", height=daemon.shell.tip.height)

    @get("/metrics", media_type=MediaType.TEXT, security=[{}])
    async def metrics() -> bytes:
        """Prometheus metrics."""
        return await metrics_text(daemon)

    return application([guarded, health, metrics, *beside], before_answer)


def application(
    routes: Sequence[Any], before_answer: BeforeAnswer | None = None, what: str = "node"
) -> Litestar:
    """Routes with the one form of errors, and their OpenAPI document. `what`: who serves them."""
    return Litestar(
        list(routes),
        exception_handlers={
            CodedError: _coded,
            HTTPException: _http,
            RecursionError: _too_deep,
        },
        openapi_config=document_config(what),
        plugins=[RecordSchemas(), DocumentedErrors()],
        after_request=before_answer,
        type_encoders=dict.fromkeys((Shown, Line, AnyRow), to_json),
        logging_config=None,
    )


def _coded(_: Req, error: CodedError) -> Response[ErrorAnswer]:
    content = ErrorAnswer(code=error.code, detail=error.detail, remedy=error.remedy)
    headers = {"Retry-After": "1"} if isinstance(error, TooManyRequests | TooManyStreams) else None
    return Response(
        content, status_code=status_of(error), headers=headers, media_type=MediaType.JSON
    )


def _http(_: Req, error: HTTPException) -> Response[ErrorAnswer]:
    detail = error.detail
    if isinstance(error.extra, list):  # which field of the body or query it is
        detail = "; ".join([detail, *(_field(entry) for entry in error.extra)])
    known: CodedError
    match error.status_code:
        case 404:
            known = NotFound(detail)
        case 405:
            known = MethodWrong(detail)
        case 413:
            known = BodyTooLarge(detail)
        case _:
            known = BadRequest(detail)
    content = ErrorAnswer(code=known.code, detail=known.detail, remedy=known.remedy)
    return Response(
        content,
        status_code=error.status_code,
        headers=error.headers,
        media_type=MediaType.JSON,
    )


def _field(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)[:200]
    return f"{entry.get('key', 'body')}: {entry.get('message', '')}"[:200]


def _too_deep(request: Req, _: RecursionError) -> Response[ErrorAnswer]:
    return _coded(request, BadRequest("the body is nested too deep"))
