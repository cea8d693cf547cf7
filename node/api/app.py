"""The API's routes. Signing stays with the node's keystore; answers come from stored blocks."""

import hmac
from typing import Any

from litestar import Litestar, MediaType, Request, Response, Router, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig

from ledger import objects as o
from ledger import tables as t
from ledger.actions import FeedMark
from ledger.invariants import InvariantBroken, check_full
from ledger.oracles import ExtensionMarks
from ledger.transactions import Transaction, decode_transaction, tx_id, verified
from node.api import views
from node.api.assets import asset_queries
from node.api.errors import BadRequest, HeightPruned, NotFound, Unauthorised, status_of
from node.api.governance import governance_queries
from node.api.ledger import ledger_routes
from node.api.light import light_routes
from node.api.reading import number_of
from node.api.round_proofs import round_proof_routes
from node.blocks import DecidedBlock
from node.blotter import fields_of, trade_from
from node.core import inputs as i
from node.core.errors import NotVoting, ObserverCannotSubmit
from node.daemon import Daemon
from node.metrics import metrics_text
from node.plain import plain
from node.proofs import prove_row, to_file
from node.samples import percentile
from node.shell import now_ms
from node.signing.remote import UNREACHABLE
from wire.codec import encode
from wire.errors import CodedError
from wire.ids import Date, FeedCode
from wire.limits import EXTENSION_BYTES_MAX

Json = dict[str, Any]
Req = Request[Any, Any, Any]

PAGE_MAX = 500


def make_app(daemon: Daemon) -> Litestar:
    """The ASGI application of one node."""
    token = daemon.home.token()

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        given = connection.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise Unauthorised("no such token")

    guarded = Router(
        "/v1",
        guards=[guard],
        route_handlers=[
            *_queries(daemon),
            *asset_queries(daemon),
            *governance_queries(daemon),
            *ledger_routes(daemon),
            *light_routes(daemon),
            *round_proof_routes(daemon),
            *_submissions(daemon),
        ],
    )

    @get("/v1/health", media_type=MediaType.JSON, sync_to_thread=False)
    def health() -> Json:
        """Whether the node runs."""
        return {"status": "ok", "height": daemon.shell.tip.height}

    @get("/metrics", media_type=MediaType.TEXT)
    async def metrics() -> bytes:
        """Prometheus metrics."""
        return await metrics_text(daemon)

    return Litestar(
        [guarded, health, metrics],
        exception_handlers={
            CodedError: _coded,
            HTTPException: _http,
            RecursionError: _too_deep,
        },
        openapi_config=OpenAPIConfig(title="DCN node", version="1"),
        logging_config=None,
    )


def _coded(_: Req, error: CodedError) -> Response[Json]:
    content = {"code": error.code, "detail": error.detail, "remedy": error.remedy}
    return Response(content, status_code=status_of(error))


def _http(_: Req, error: HTTPException) -> Response[Json]:
    known: CodedError = (
        NotFound(error.detail) if error.status_code == 404 else BadRequest(error.detail)
    )
    content = {"code": known.code, "detail": known.detail, "remedy": known.remedy}
    return Response(content, status_code=error.status_code)


def _too_deep(request: Req, _: RecursionError) -> Response[Json]:
    return _coded(request, BadRequest("the body is nested too deep"))


def _queries(daemon: Daemon) -> list[Any]:
    shell = daemon.shell

    @get("/status")
    async def status() -> Json:
        """The node, its chain and its peers."""
        samples = list(shell.finality_ms)
        run = shell.core.deciding.run
        return {
            "lei": daemon.config.lei,
            "role": "member" if daemon.is_member else "observer",
            "votes": run.me is not None,
            "signer": _signer(daemon),
            **views.network(shell.tip),
            "consensus": {
                "height": run.height,
                "round": run.core.process.round,
                "step": run.core.process.step.name,
            },
            "peers": sorted(
                lei for p in shell.core.peers if (lei := daemon.inbound.membership.lei_of(p))
            ),
            "behind": max(0, shell.core.sync.target() - shell.tip.height),
            "catching_up": daemon.progress.view(),
            "oldest_block": await daemon.store.oldest(),
            "evidence": shell.evidence,
            "waiting": len(shell.core.deciding.pool),
            "finality_ms": {
                "count": len(samples),
                "p50": percentile(samples, 50),
                "p95": percentile(samples, 95),
            },
        }

    @get("/consensus", sync_to_thread=False)
    def consensus() -> Json:
        """The height under way: who voted what, who is missing, what the node waits for."""
        return daemon.standing()

    @get("/finality", sync_to_thread=False)
    def finality() -> list[int]:
        """Milliseconds from acceptance to the stored block, of this node's own submissions."""
        return list(shell.finality_ms)

    @get("/accounts", sync_to_thread=False)
    def accounts() -> list[Json]:
        """All members."""
        return [plain(row) for _, row in shell.tip.state.scan(t.MEMBERS)]

    @get("/accounts/{lei:str}", sync_to_thread=False)
    def account(lei: str) -> Json:
        """A member's balances, limits and netting sets."""
        found = views.account(shell.tip.state, lei)
        if found is None:
            raise NotFound(f"LEI {lei[:40]}")
        return {"as_of_height": shell.tip.height, **found}

    @get("/blocks/{height:str}")
    async def block(height: str) -> Json:
        """A block by height, or `latest`."""
        return views.block(await _decided(daemon, height))

    @get("/trades", sync_to_thread=False)
    def trades(after: str = "", limit: int = 100) -> Json:
        """Registered trades in order of UTI, a page at a time."""
        if not 1 <= limit <= PAGE_MAX:
            raise BadRequest(f"limit is {limit}, 1 to {PAGE_MAX} allowed")
        rows = [row for _, row in shell.tip.state.scan(t.CONTRACTS) if row.trade.uti > after]
        rows.sort(key=lambda row: row.trade.uti)
        page = [views.contract(row) for row in rows[:limit]]
        following = page[-1]["uti"] if len(rows) > limit else None
        return {"as_of_height": shell.tip.height, "trades": page, "next": following}

    @get("/trades/{uti:str}")
    async def trade(uti: str) -> Json:
        """A trade: on the ledger, or on its way there."""
        row = shell.tip.state.get(t.CONTRACTS, t.CONTRACTS.key(uti))
        if row is not None:
            return {"status": "registered", "as_of_height": shell.tip.height} | views.contract(row)
        way = await daemon.trades.by_uti(uti)
        if way is None:
            raise NotFound(f"UTI {uti[:60]}")
        submission = await daemon.store.submission(tx_id(way.tx))
        return {
            "status": way.status if submission is None else submission.status,
            "tx_id": tx_id(way.tx).hex(),
            "counterparty": way.counterparty,
            "code": way.code or ("" if submission is None else submission.code),
            "detail": "" if submission is None else submission.detail,
            "differences": plain(way.differences),
        }

    @get("/invariants", sync_to_thread=False)
    def invariants() -> Json:
        """All conservation laws checked over the whole state."""
        tip = shell.tip
        try:
            names = check_full(tip.state)
        except InvariantBroken as broken:
            return {"as_of_height": tip.height, "hold": False, "detail": str(broken)}
        return {"as_of_height": tip.height, "hold": True, "checked": list(names)}

    @get("/rounds", sync_to_thread=False)
    def rounds() -> list[Json]:
        """Netting rounds, newest first."""
        return views.rounds(shell.tip.state)

    @get("/proof", sync_to_thread=False)
    def proof(table: str, key: list[str]) -> Json:
        """A proof file of a row: `table` and the parts of its key, e.g. balance of LEI OWN USD."""
        return to_file(prove_row(shell.before, shell.last, views.key_of(table, key)))

    return [
        status,
        consensus,
        finality,
        accounts,
        account,
        block,
        trades,
        trade,
        rounds,
        invariants,
        proof,
    ]


async def _decided(daemon: Daemon, height: str) -> DecidedBlock:
    """The block at a height as text, or `latest`; raises `NotFound`, `HeightPruned`."""
    tip = daemon.shell.tip.height
    number = tip if height == "latest" else number_of(height)
    decided = await daemon.store.block(number)
    if decided is not None:
        return decided
    oldest = await daemon.store.oldest()
    if 0 < number < oldest:
        raise HeightPruned(f"block {number}, the oldest kept is {oldest}")
    raise NotFound(f"block {number}, the last is {tip}")


def _signer(daemon: Daemon) -> str:
    """Where the consensus key is, and whether anything keeps it from signing."""
    remote = daemon.remote
    if remote is None:
        place = "in this process"
    else:
        place = "connected" if remote.connected else UNREACHABLE
    hindrance = daemon.shell.core.deciding.voting.hindrance
    return f"{place}; {hindrance}" if hindrance else place


def _submissions(daemon: Daemon) -> list[Any]:
    @post("/trades")
    async def initiate(data: Json) -> list[Json]:
        """Sign own trades and have the counterparties affirm them."""
        halves = await daemon.initiate(_trades(data), batch=bool(data.get("batch", False)))
        return [{"tx_id": tx_id(tx).hex(), "status": "waiting"} for tx in halves]

    @post("/blotter")
    async def blotter(data: Json) -> Json:
        """Enter trades of the member's own book, to affirm counterparties' trades by."""
        if not daemon.is_member:
            raise ObserverCannotSubmit()
        return {"entered": await daemon.trades.add_to_blotter(_trades(data))}

    @get("/blotter")
    async def book(after: str = "", limit: int = 100) -> Json:
        """The member's own book in order of UTI, a page at a time."""
        if not 1 <= limit <= PAGE_MAX:
            raise BadRequest(f"limit is {limit}, 1 to {PAGE_MAX} allowed")
        found = await daemon.trades.blotter(after, limit + 1)
        page = [fields_of(trade) for trade in found[:limit]]
        return {"trades": page, "next": page[-1]["uti"] if len(found) > limit else None}

    @post("/transactions")
    async def submit(data: Json) -> Json:
        """Accept a signed transaction (`tx`: canonical bytes in hex). It is on disk when the
        answer comes."""
        tx = _transaction(data.get("tx"))
        ident = await daemon.shell.submit(verified(tx))
        return {"tx_id": ident.hex(), "status": "pending"}

    @post("/marks", sync_to_thread=False)
    def marks(data: Json) -> Json:
        """Have this validator's precommits carry marks of the open date (`date`, `marks`: feed to
        value): for an oracle that validates they reach the ledger with the very next block."""
        carried = _marks(data)
        if daemon.shell.core.deciding.run.me is None:
            raise NotVoting("its precommits carry nothing")
        daemon.shell.put(i.ExtensionOffered(carried, now_ms()))
        return {"bytes": len(carried)}

    @get("/transactions/{ident:str}")
    async def follow(ident: str) -> Json:
        """What became of a transaction that this node accepted."""
        found = await daemon.store.submission(_digest(ident))
        if found is None:
            raise NotFound(f"transaction {ident[:64]}")
        shown = {"tx_id": ident, "status": found.status, "code": found.code}
        return shown | {"detail": found.detail, "height": found.height}

    return [initiate, blotter, book, submit, marks, follow]


def _trades(data: Json) -> list[o.Trade]:
    found: list[o.Trade] = []
    entries = data.get("trades")
    if not isinstance(entries, list) or not entries:
        raise BadRequest("`trades` is a list of trades")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise BadRequest(f"trades[{number}] is no object")
        try:
            found.append(trade_from({str(k): str(v) for k, v in entry.items()}))
        except CodedError as error:
            raise BadRequest(f"trades[{number}]: {error.detail}") from None
        except ValueError as error:
            raise BadRequest(f"trades[{number}]: {error}") from None
    return found


def _marks(data: Json) -> bytes:
    try:
        entries = sorted(dict(data["marks"]).items())
        given = tuple(FeedMark(FeedCode(str(feed)), int(value)) for feed, value in entries)
        carried = encode(ExtensionMarks(Date(int(data["date"])), given))
    except (KeyError, TypeError, ValueError) as error:
        raise BadRequest(f"`date` and `marks` (feed to value): {error!r}") from None
    if len(carried) > EXTENSION_BYTES_MAX:
        raise BadRequest(f"marks of {len(carried)} bytes, at most {EXTENSION_BYTES_MAX} allowed")
    return carried


def _transaction(text: object) -> Transaction:
    try:
        return decode_transaction(bytes.fromhex(str(text)))
    except ValueError:
        raise BadRequest("`tx` is not hex") from None


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadRequest("an id is hex") from None
