"""Every table of the ledger, a page at a time; and what would become of a transaction."""

from collections.abc import Iterator
from typing import Any

from litestar import get, post

from ledger import execution
from ledger import objects as o
from ledger import tables as t
from ledger.apply import check_transaction
from ledger.receipts import OK
from ledger.state import Draft, State
from ledger.transactions import Transaction, tx_id, verified
from node.api.errors import NotFound
from node.api.reading import After, Limit, page_of, transaction_of
from node.apitypes import answers as a
from node.apitypes import outcomes
from node.apitypes.requests import SignedTransaction
from node.apitypes.shown import AnyRow, Shown
from node.daemon import Daemon
from node.plain import plain
from node.tokens import Scope
from node.viewing.seen import check_own, seen_state
from wire.errors import Rejection


def ledger_routes(daemon: Daemon) -> list[Any]:
    """The route handlers."""

    @get("/tables", sync_to_thread=False)
    def names() -> list[str]:
        """The ledger's tables."""
        return sorted(t.BY_NAME)

    @get("/tables/{name:str}", sync_to_thread=False)
    def rows(
        name: str, after: After = "", limit: Limit = 100, about: str = ""
    ) -> a.Page[a.TableRow]:
        """Rows in order of their ids. `about`: only rows that speak of this member, trade or
        code."""
        table = t.BY_NAME.get(name)
        if table is None:
            raise NotFound(f"table {name[:40]}; one of {', '.join(sorted(t.BY_NAME))}")
        tip = daemon.shell.tip
        return page_of(
            _rows(seen_state(tip.state), table, after, about), limit, tip.height, lambda x: x.id
        )

    @post("/transactions/check", status_code=200, sync_to_thread=False, opt={"scope": Scope.READ})
    def check(data: SignedTransaction) -> outcomes.Checked:
        """What would become of a transaction in the next block, and who still has to sign it.
        Nothing is submitted. Of other members' business nothing is said."""
        tx = verified(transaction_of(data)).value
        state = daemon.shell.tip.state
        check_own(state, tx.action)
        code, detail = OK, ""
        try:
            check_transaction(state, tx, daemon.shell.tip.height + 1)
        except Rejection as rejection:
            code, detail = rejection.code, rejection.detail
        return outcomes.Checked(
            tx_id=tx_id(tx).hex(),
            code=code,
            detail=detail,
            signers=_signers(state, tx),
            action=Shown(tx.action),
            valid_until=tx.valid_until,
        )

    return [names, rows, check]


def _signers(state: State, tx: Transaction) -> list[outcomes.Signer]:
    """Who has to sign, and whether it has; nobody, if the action is refused anyway."""
    try:
        required = execution.required(Draft(state), tx)
    except Rejection:
        return []
    rows = [state.get(t.KEYS, t.KEYS.key(entry.key)) for entry in tx.signatures]
    signed = {(row.member, row.role) for row in rows if row is not None}
    return [
        outcomes.Signer(lei=lei, role=o.KeyRole(role).name, signed=(lei, role) in signed)
        for lei, role in required
    ]


def _rows(state: State, table: t.Table[Any], after: str, about: str) -> Iterator[a.TableRow]:
    for key, row in state.scan(table):
        if key.hex() <= after:
            continue
        parts, fields = plain(table.parts(key)), plain(row)
        if not about or _speaks_of([parts, fields], about):
            yield a.TableRow(id=key.hex(), key=parts, row=AnyRow(fields))


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
