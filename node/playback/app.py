"""The application of a replay: the observer's views and page, and the controls.

Who may see what is the node's own rule: tokens of its home, and they see what they see at its page.
People under a mandate see nothing here, for a replay has no ledger to put their looks on.
"""

from litestar import Litestar, Router, get

from ledger.objects import Member, Role
from ledger.tables import MEMBERS
from node.api.access import Access
from node.api.app import application, own_viewer
from node.api.places import Places
from node.apitypes.answers import Health
from node.audit.reading import read_store
from node.home import Home
from node.observer.app import export_router, files_router, login_routes, page_router, view_routes
from node.observer.live import stream_route
from node.observer.views.network import home_route
from node.playback.player import Player
from node.playback.routes import replay_routes
from node.playback.sight import PlayedSight, RehearsedThen
from node.tokens import Token
from node.viewing.viewer import NotYours, Viewer


def replay_app(home: Home, player: Player, sight: PlayedSight, cookie: str) -> Litestar:
    """The application. `cookie`: the name of its sessions', of no node's and no other replay's on
    this host. Raises `HomeIncomplete`, `BadConfig`."""
    rehearse = RehearsedThen(player)
    access = access_of(home, player, cookie)

    @get("/v1/health", security=[{}], sync_to_thread=False)
    def health() -> Health:
        """Whether the replay runs."""
        return Health(status="ok", height=player.height)

    places = Places(home.config().api.streams_per_client)
    exported = export_router(view_routes(sight, rehearse), [stream_route(player, places, sight)])
    controls = Router("/replay", route_handlers=replay_routes(player))
    app = application(
        [
            Router("/v1", guards=[access.guard], route_handlers=[exported, controls]),
            page_router(access.guard, [home_route(sight), *view_routes(sight, rehearse)]),
            *login_routes(access),
            files_router(),
            health,
        ],
        what="replay",
    )
    app.state["sight"] = sight
    return app


def access_of(home: Home, player: Player, cookie: str) -> Access:
    """Who may use a replay: the tokens of its home. Also where the node shows everything, that of a
    trading member shows its own: of one that is so by now, or was so at the block shown."""
    config = home.config()
    by_now = _trades(read_store(home, config.lei).member)

    def viewer_of(token: Token) -> Viewer:
        if token.person:
            raise NotYours("in a replay looks go on no record; look at the node's own page")
        then = player.now.state.get(MEMBERS, MEMBERS.key(config.lei))
        return own_viewer(token, config, is_member=by_now or _trades(then))

    return Access(home, config.api.requests_per_s, viewer_of, cookie)


def _trades(row: Member | None) -> bool:
    return row is not None and Role.MEMBER in row.roles
