"""Default cases, step by step as they happen."""

from typing import Any, Final

import msgspec
from litestar import get

from node.api.errors import NotFound
from node.api.reading import Number, number_of
from node.apitypes.answers import Answer
from node.observer.showing import Page
from node.observer.sight import Asked, Row, Seen, Sight, may_see, viewer_of
from node.observer.store import Reader
from node.observer.words import grouped

LIST: Final = Page("cases.html", "Default cases", "cases")
ONE: Final = Page("case.html", "Default case", "cases")


class CaseLine(Row, frozen=True):
    """A default from notice to recovery; minor units of the rulebook's currency."""

    number: int
    defaulter: str
    cause: str
    reason: str
    state: str
    """As on the ledger; ENDED: cured, or the notice was taken back."""
    opened: int
    declared: int
    until: int
    """Height at which the state ends; 0: when something happens."""
    fixed: int
    """Height at which all claims were fixed; 0: not yet."""
    loss: int
    recovered: int
    repaid: int
    ended: int


class BorneByTranche(Row, frozen=True):
    """What a tranche of the waterfall bore of a case's loss."""

    tranche: str
    amount: int


class Amount(Answer, frozen=True):
    """Minor units of an asset."""

    asset: str
    amount: int


class CaseStep(Row, frozen=True):
    """Something that happened in a case: the ledger's event."""

    place: int
    time_ms: int
    type: str
    told: str
    event: dict[str, Any]


class CasesView(Seen, frozen=True):
    """Cases, newest first."""

    currency: str
    cases: list[CaseLine]


class CaseSeen(Seen, frozen=True):
    """A case: where it stands, who bore its loss, and all its steps, oldest first."""

    currency: str
    case: CaseLine
    cure: list[Amount]
    """What would have cured it."""
    borne: list[BorneByTranche]
    steps: list[CaseStep]


COLUMNS: Final = (
    "number, defaulter, cause, reason, state, opened, declared, until, fixed, loss, recovered, "
    "repaid, ended, height, 'rulebook ' || rulebook || ', DEFAULT' AS rule"
)
CURRENCY: Final = "SELECT value FROM meta WHERE key='currency'"


def case_routes(sight: Sight) -> list[Any]:
    """The route handlers."""

    @get("/cases", opt={"page": LIST}, sync_to_thread=True)
    def cases(request: Asked) -> CasesView:
        """All default cases, newest first."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            found = db.all(CaseLine, f"SELECT {COLUMNS} FROM cases ORDER BY number DESC LIMIT 500")
            return CasesView(
                currency=db.scalar(CURRENCY) or "",
                cases=[one for one in found if may_see(viewer, members=(one.defaulter,))],
                as_of_height=db.height,
                from_height=db.from_height,
            )

    @get("/cases/{number:str}", opt={"page": ONE}, sync_to_thread=True)
    def case(request: Asked, number: Number) -> CaseSeen:
        """A case: where it stands, how its loss was borne, and every step with its rule."""
        viewer = viewer_of(request)
        with sight.reader() as db:
            ident = number_of(number)
            found = db.first(CaseLine, f"SELECT {COLUMNS} FROM cases WHERE number=?", ident)
            if found is None or not may_see(viewer, members=(found.defaulter,)):
                raise NotFound(f"case {ident}")
            applied, cure = db.rows("SELECT applied, cure FROM cases WHERE number=?", ident)[0]
            rule = found.rule.replace("DEFAULT", "WATERFALL")
            return CaseSeen(
                currency=db.scalar(CURRENCY) or "",
                case=found,
                cure=msgspec.json.decode(cure, type=list[Amount]),
                borne=[
                    BorneByTranche(**one, height=found.height, rule=rule)
                    for one in msgspec.json.decode(applied)
                ],
                steps=_steps(db, ident),
                as_of_height=db.height,
                from_height=db.from_height,
            )

    return [cases, case]


def _steps(db: Reader, number: int) -> list[CaseStep]:
    exponents: dict[str, int] = dict(db.rows("SELECT code, exponent FROM assets"))
    currency = db.scalar(CURRENCY) or ""
    query = (
        "SELECT height, place, type, body, rule, time_ms FROM case_steps WHERE number=? "
        "ORDER BY height, place"
    )
    found = []
    for height, place, kind, body, rule, time_ms in db.rows(query, number):
        event = msgspec.json.decode(body)
        found.append(
            CaseStep(
                height=height,
                place=place,
                time_ms=time_ms,
                type=kind,
                told=told(kind, event, exponents, currency),
                event=event,
                rule=rule,
            )
        )
    return found


TOLD: Final[dict[str, str]] = {
    "NoticeGiven": "{member} is given notice ({trigger}: {reason}); it has {notice_blocks} blocks "
    "with room for the payment to cure it",
    "NoticeEnded": "the notice to {member} ends without a default",
    "DefaultDeclared": "{member} is declared in default ({trigger}): {contracts} contracts of "
    "{netting_sets} netting sets are frozen, {batches} batches cancelled",
    "CaseMoved": "the case moves to {state}: {reason}",
    "InstrumentPriced": "{instrument} is priced at {price} against {creditor} ({source})",
    "ClosedOut": "the set of {debtor} and {creditor} is closed out at {amount}",
    "TrancheBears": "step {step}, {tranche}: {bearer} bears {amount}",
    "ClaimCovered": "the claim of {creditor} on {debtor}, {amount}, is covered with {covered}; "
    "{retained} retained, {residual} left",
    "EstatePaid": "{payer} pays {amount} to the estate",
    "EstateCredited": "{amount} {asset} of the defaulter's own go to its estate ({reason})",
    "RecoveryRecorded": "{payer} brings in a recovery of {amount}: {reference}",
    "RecoveryPaid": "{bearer} is repaid {amount} ({tranche})",
    "ClientPorted": "client {client} moves to {to}: {contracts} contracts with {counterparty}",
    "GuarantorTook": "{guarantor} takes the set of {debtor} and {creditor}: {contracts} contracts, "
    "{amount}",
    "QuoteTaken": "{member} quotes {instrument} at {price}",
}
"""Every event that names a case, in words."""

AMOUNTS: Final = ("amount", "covered", "retained", "residual")


def told(kind: str, event: dict[str, Any], exponents: dict[str, int], currency: str) -> str:
    """A step in words, amounts in units of their asset."""
    asset = event.get("asset", currency)
    event = event | {
        name: grouped(event[name], exponents.get(asset, 0)) for name in AMOUNTS if name in event
    }
    if kind == "NoticeEnded" and event["cured"]:
        return f"{event['member']} has cured: the notice ends"
    sentence = TOLD[kind].format_map(event)
    return sentence[:1].upper() + sentence[1:]
