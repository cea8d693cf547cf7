"""The whole application of a node: its API, the observer's views under /v1/observer, the page."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any, Final, Literal

from litestar import Litestar, Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.params import Body, Parameter, QueryParameter
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.types import Guard

from node.api.access import Access
from node.api.app import access_of, make_app, nowhere
from node.api.app import document as api_document
from node.api.errors import BadRequest, NotFound, Unauthorised, status_of
from node.api.places import Places
from node.api.sessions import SESSION_MS
from node.daemon import Daemon
from node.looks.desk import Looks
from node.observer import showing
from node.observer.alerts.reading import alert_routes
from node.observer.feed import Feed
from node.observer.live import LiveSight, stream_route
from node.observer.rehearsing import Rehearsals
from node.observer.reports.daily import daily_routes
from node.observer.reports.list import report_routes
from node.observer.reports.pqd.report import pqd_routes
from node.observer.reports.trades import trade_report_routes
from node.observer.sight import Rehearse, Sight
from node.observer.views.calls import call_routes
from node.observer.views.cases import case_routes
from node.observer.views.explorer import explorer_routes
from node.observer.views.exposures import exposure_routes
from node.observer.views.fund import fund_routes
from node.observer.views.looks import look_routes
from node.observer.views.members import member_routes
from node.observer.views.network import home_route, network_routes
from node.observer.views.rounds import round_routes
from node.observer.views.search import search_routes
from node.observer.views.whatif import whatif_routes
from wire.errors import CodedError

Req = Request[Any, Any, Any]

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The page loads and runs nothing that is not a file of this package."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


FORMAT: Final = Parameter(
    Literal["json", "csv"], default="json", required=False,
    description="How the view is exported.",
)  # fmt: skip
TABLE: Final = Parameter(
    str, default="", required=False,
    description="Of CSV: which field of the answer; empty: its first table.",
)  # fmt: skip


def document() -> dict[str, Any]:
    """The OpenAPI document of every node of this version, made without one."""
    feed = nowhere()
    return api_document([export_router(view_routes(feed, feed), [stream_route(feed, feed, feed)])])


@contextmanager
def served(daemon: Daemon) -> Iterator[Litestar]:
    """What a node serves by its configuration: everything, or the API alone."""
    if not daemon.config.api.page:
        with closing(Looks(daemon)) as looks:
            yield make_app(daemon, access_of(daemon), before_answer=looks.before_answer)
        return
    with observed(daemon) as (app, _):
        yield app


@contextmanager
def observed(daemon: Daemon) -> Iterator[tuple[Litestar, Feed]]:
    """The whole application of a node, its read store fed for as long as this lasts."""
    feed, looks = Feed(daemon), Looks(daemon)
    feed.start()
    try:
        yield observed_app(daemon, feed, looks), feed
    finally:
        feed.stop()
        looks.close()


def observed_app(daemon: Daemon, feed: Feed, looks: Looks) -> Litestar:
    """The API with the observer's views and the page."""
    access, sight = access_of(daemon), LiveSight(daemon, feed)
    rehearse, places = Rehearsals(daemon.home), Places(daemon.config.api.streams_per_client)
    app = make_app(
        daemon,
        access,
        more=[export_router(view_routes(sight, rehearse), [stream_route(feed, places, sight)])],
        beside=[
            page_router(access.guard, [home_route(sight), *view_routes(sight, rehearse)]),
            *login_routes(access),
            files_router(),
        ],
        before_answer=looks.before_answer,
    )
    app.state["sight"] = sight
    return app


def view_routes(sight: Sight, rehearse: Rehearse) -> list[Any]:
    """The handlers of all views."""
    return [
        *network_routes(sight),
        *exposure_routes(sight),
        *member_routes(sight),
        *round_routes(sight),
        *call_routes(sight),
        *fund_routes(sight),
        *case_routes(sight),
        *explorer_routes(sight),
        *search_routes(sight),
        *look_routes(sight),
        *alert_routes(sight),
        *report_routes(sight),
        *trade_report_routes(sight),
        *pqd_routes(sight),
        *daily_routes(sight),
        *whatif_routes(sight, rehearse),
    ]


def export_router(views: list[Any], more: list[Any]) -> Router:
    """The views as JSON and CSV, and what else belongs to them."""
    return Router(
        "/observer",
        route_handlers=[
            Router(
                "/",
                route_handlers=views,
                response_class=showing.Exported,
                parameters={"format": FORMAT, "table": TABLE},
            ),
            *more,
        ],
    )


def page_router(guard: Guard, handlers: list[Any]) -> Router:
    """The views as pages."""
    return Router(
        "/",
        guards=[guard],
        route_handlers=handlers,
        response_class=showing.Paged,
        exception_handlers={CodedError: _coded, HTTPException: _http},
        response_headers=HEADERS,
        include_in_schema=False,
    )


def files_router() -> Router:
    """The files that pages need."""
    return create_static_files_router(
        "/static", [showing.HERE / "static"], include_in_schema=False, cache_control=None
    )


def login_routes(access: Access) -> list[Any]:
    """The way in and out: a token once, then a session."""
    hidden: dict[str, Any] = {
        "include_in_schema": False,
        "response_headers": HEADERS,
        "exception_handlers": {CodedError: _coded, HTTPException: _http},
    }

    @get("/login", sync_to_thread=False, **hidden)
    def form(next_: Annotated[str, QueryParameter(name="next")] = "/") -> Response[str]:
        """Ask for a token."""
        return showing.plain_page("login.html", next=_inside(next_), wrong="")

    @post("/login", sync_to_thread=False, status_code=303, **hidden)
    def login(
        request: Req,
        data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[Any]:
        """Begin a session."""
        following = _inside(data.get("next", "/"))
        try:
            ident = access.begin_session(data.get("token", "").strip())
        except CodedError as error:
            said = f"{error.code}: {error.detail}"
            return showing.plain_page(
                "login.html", status_code=status_of(error), next=following, wrong=said
            )
        cookie = Cookie(
            key=access.cookie,
            value=ident,
            max_age=SESSION_MS // 1_000,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return Redirect(following, status_code=303, cookies=[cookie])

    @post("/logout", sync_to_thread=False, status_code=303, **hidden)
    def logout(request: Req) -> Response[Any]:
        """End the session."""
        access.end_session(request)
        gone = Cookie(key=access.cookie, value="", max_age=0, httponly=True, samesite="strict")
        return Redirect("/login", status_code=303, cookies=[gone])

    return [form, login, logout]


def _inside(path: str) -> str:
    """A path of this page, and of no other site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def _coded(request: Req, error: CodedError) -> Response[Any]:
    if isinstance(error, Unauthorised):
        if request.headers.get("hx-request"):
            return Response("", status_code=401, headers={"HX-Redirect": "/login"})
        where = request.url.path
        return Redirect("/login", query_params={"next": where}, status_code=303)
    return showing.plain_page("error.html", status_code=status_of(error), error=error)


def _http(request: Req, error: HTTPException) -> Response[Any]:
    if error.status_code == 404:
        return _coded(request, NotFound(error.detail))
    return _coded(request, BadRequest(error.detail))
