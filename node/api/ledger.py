"""Every table of the ledger, a page at a time; and what would become of a transaction."""

from typing import Any

from litestar import get, post

from ledger import execution
from ledger import objects as o
from ledger import tables as t
from ledger.apply import check_transaction
from ledger.receipts import OK
from ledger.state import Draft
from ledger.transactions import decode_transaction, tx_id, verified
from node.api.errors import BadRequest, NotFound
from node.daemon import Daemon
from node.plain import plain
from wire.errors import Rejection

Json = dict[str, Any]

PAGE_MAX = 1_000


def ledger_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""

    @get("/tables", sync_to_thread=False)
    def names() -> list[str]:
        """The ledger's tables."""
        return sorted(t.BY_NAME)

    @get("/tables/{name:str}", sync_to_thread=False)
    def rows(name: str, after: str = "", limit: int = 100, about: str = "") -> Json:
        """Rows in order of their keys. `after`: the last key of the page before; `about`: only rows
        that speak of this member, trade or code."""
        table = t.BY_NAME.get(name)
        if table is None:
            raise NotFound(f"table {name[:40]}; one of {', '.join(sorted(t.BY_NAME))}")
        if not 1 <= limit <= PAGE_MAX:
            raise BadRequest(f"limit is {limit}, 1 to {PAGE_MAX} allowed")
        tip = daemon.shell.tip
        page: list[Json] = []
        following = None
        for key, row in tip.state.scan(table):
            if key.hex() <= after:
                continue
            shown = {"key": plain(table.parts(key)), "row": plain(row)}
            if about and not _speaks_of(shown, about):
                continue
            if len(page) == limit:
                following = page[-1]["id"]
                break
            page.append({"id": key.hex(), **shown})
        return {"as_of_height": tip.height, "table": name, "rows": page, "next": following}

    @post("/transactions/check", status_code=200, sync_to_thread=False)
    def check(data: Json) -> Json:
        """What would become of a transaction in the next block, and who still has to sign it.
        Nothing is submitted."""
        try:
            tx = verified(decode_transaction(bytes.fromhex(str(data.get("tx"))))).value
        except ValueError:
            raise BadRequest("`tx` is not hex") from None
        state = daemon.shell.tip.state
        code, detail = OK, ""
        try:
            check_transaction(state, tx, daemon.shell.tip.height + 1)
        except Rejection as rejection:
            code, detail = rejection.code, rejection.detail
        try:
            required = execution.required(Draft(state), tx)
        except Rejection:
            required = ()
        rows = [state.get(t.KEYS, t.KEYS.key(entry.key)) for entry in tx.signatures]
        signed = {(row.member, row.role) for row in rows if row is not None}
        signers = [
            {"lei": lei, "role": o.KeyRole(role).name, "signed": (lei, role) in signed}
            for lei, role in required
        ]
        return {
            "tx_id": tx_id(tx).hex(),
            "code": code,
            "detail": detail,
            "signers": signers,
            "action": {"type": type(tx.action).__name__, **plain(tx.action)},
            "valid_until": tx.valid_until,
        }

    return [names, rows, check]


def _speaks_of(value: Any, about: str) -> bool:
    match value:
        case str():
            return about in value
        case dict():
            return any(_speaks_of(item, about) for item in value.values())
        case list():
            return any(_speaks_of(item, about) for item in value)
        case _:
            return False
