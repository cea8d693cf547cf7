"""What a node keeps beside the chain: its submissions, its blotter and its affirmations."""

from ledger.objects import Trade
from ledger.receipts import Receipt
from ledger.trades import members_of
from ledger.transactions import Transaction, decode_transaction, tx_id, utis, verified
from node.audit.findings import Findings
from node.audit.source import Row, Source, blob
from node.storage.records import outcome
from node.storage.trades import AFFIRMED, EXPIRED, REFUSED, WAITING, Differences
from wire.codec import decode
from wire.errors import CodedError, MalformedBytes
from wire.limits import TRANSACTION_BYTES_MAX

_SUBMISSIONS = "SELECT tx_id, tx, valid_until, status, code, detail, height FROM submissions"
_RECEIPT = "SELECT height, receipt FROM receipts WHERE tx_id=? ORDER BY height, position LIMIT 1"
_AFFIRMATIONS = "SELECT tx_id, tx, status, differences, valid_until, counterparty FROM affirmations"


def check_submissions(source: Source, since: int, height: int, findings: Findings) -> None:
    """Every accepted transaction is whole, and its status is what the receipts say; of what ended
    up to the height `since`, there may be none any more."""
    for row in source.rows(_SUBMISSIONS):
        ident, raw, valid_until, *_ = row
        name = f"submission {_hex(ident)}"
        tx = _transaction(name, ident, raw, valid_until, findings)
        if tx is not None and not 0 < row[-1] <= since:
            _check_status(source, name, row, height, findings)


def _check_status(source: Source, name: str, row: Row, height: int, findings: Findings) -> None:
    """The first receipt says what became of it; before it, only time can end the waiting."""
    ident, _, valid_until, status, code, detail, at = row
    decided: int | None = None
    wanted = ("pending", "", "")
    for found, raw in source.rows(_RECEIPT, ident):
        decided = found
        try:
            wanted = outcome(decode(blob(raw), Receipt, TRANSACTION_BYTES_MAX))
        except CodedError:
            return  # found with the block
    if valid_until <= height and (decided is None or valid_until < decided):
        wanted, decided = ("expired", "", ""), None
    if (status, code, detail) != wanted:
        findings.add(
            decided, f"{name} is {status!r} {code!r}, its receipt says {wanted[0]!r} {wanted[1]!r}"
        )
    elif at != decided and status in ("decided", "rejected"):
        findings.add(decided, f"{name} is of height {at}, its receipt says {decided}")


def check_trades(source: Source, findings: Findings) -> None:
    """Blotter and affirmations can be read, and stand under their own ids."""
    for uti, raw in source.rows("SELECT uti, trade FROM blotter"):
        try:
            if decode(blob(raw), Trade, TRANSACTION_BYTES_MAX).uti != uti:
                raise MalformedBytes("of another trade")
        except CodedError as error:
            findings.add(None, f"blotter entry {str(uti)[:52]}: {error}")
    known: set[tuple[str, bytes]] = set()
    for ident, raw, status, differing, valid_until, counterparty in source.rows(_AFFIRMATIONS):
        name = f"affirmation {_hex(ident)}"
        tx = _transaction(name, ident, raw, valid_until, findings)
        known |= set() if tx is None else {(uti, bytes(ident)) for uti in utis(tx.action)}
        if tx is not None and not _is_party(counterparty, tx):
            findings.add(None, f"{name} is with {str(counterparty)[:20]!r}, who is no party")
        if status not in (WAITING, AFFIRMED, REFUSED, EXPIRED):
            findings.add(None, f"{name} has status {str(status)[:20]!r}")
        try:
            if differing:
                decode(blob(differing), Differences, 1 << 20)
        except CodedError as error:
            findings.add(None, f"{name}: its differences: {error}")
    for uti, ident in source.rows("SELECT uti, tx_id FROM affirmed_utis"):
        if (uti, ident) not in known:
            findings.add(None, f"UTI {str(uti)[:52]} points to no affirmation")


def _transaction(
    name: str, ident: object, raw: object, valid_until: object, findings: Findings
) -> Transaction | None:
    try:
        tx = decode_transaction(blob(raw))
        verified(tx)
    except CodedError as error:
        findings.add(None, f"{name}: {error}")
        return None
    if tx_id(tx) != ident or tx.valid_until != valid_until:
        findings.add(None, f"{name} is of another transaction, or valid until another height")
        return None
    return tx


def _is_party(lei: str, tx: Transaction) -> bool:
    trades = getattr(tx.action, "trades", (getattr(tx.action, "trade", None),))
    return all(isinstance(one, Trade) and lei in members_of(one) for one in trades)


def _hex(value: object) -> str:
    return blob(value).hex()[:16] or "without an id"
