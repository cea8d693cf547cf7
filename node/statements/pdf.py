"""Statements and confirmations on paper. The JSON is the record; this is how it reads."""

import datetime
import json
from collections.abc import Sequence
from typing import Any

from node.plain import plain
from node.statements.confirm import Confirmed
from node.statements.form import Statement, statement_hash
from wire.errors import EnvironmentFault
from wire.ids import Date

WIDE = "L"


class PdfUnavailable(EnvironmentFault):
    """PDF is written by fpdf2, which is not installed."""

    code = "EXPORT_NO_PDF"
    remedy = "Install `dcn[export]`, or take the JSON."


def statement_pdf(found: Statement) -> bytes:
    """A statement as a PDF, the same bytes for the same statement; raises `PdfUnavailable`."""
    paper = Paper(f"Statement of {found.lei}, {_day(found.date)}", found.date)
    over = "" if found.complete else "; the day is not over"
    paper.pairs(
        {
            "network": found.chain_id,
            "blocks": f"{found.first_height} to {found.last_height}{over}",
            "state root": found.state_root,
            "SHA-256": statement_hash(found).hex(),
        }
    )
    paper.table(
        "Accounts, minor units",
        ("account", "of", "asset", "opening", "moved", "closing"),
        [
            (x.kind, x.reference, x.asset, x.opening, x.closing - x.opening, x.closing)
            for x in found.accounts
        ],
    )
    paper.table(
        "Movements, minor units",
        ("height", "account", "asset", "amount", "cause", "counterparty", "about"),
        [
            (x.height, f"{x.kind} {x.reference}", x.asset, x.amount, x.cause, x.counterparty,
             x.about)
            for x in found.movements
        ],
    )  # fmt: skip
    paper.table(
        "Contracts registered, changed or ended",
        ("height", "", "uti", "buyer", "seller", "instrument", "quantity", "price"),
        [
            (x.height, x.how, x.trade.uti, x.trade.buyer, x.trade.seller, x.trade.instrument,
             x.trade.quantity, x.trade.price)
            for x in found.confirmations
        ],
    )  # fmt: skip
    paper.table(
        "Open at the end, minor units",
        ("debtor", "creditor", "asset", "amount", "origin", "state", "due"),
        [
            (x.debtor, x.creditor, x.asset, x.amount, x.origin, x.state, _day(x.due))
            for x in found.open_debts
        ],
    )
    return paper.bytes()


def confirmation_pdf(found: Confirmed) -> bytes:
    """A confirmation as a PDF, the same bytes for the same content; raises `PdfUnavailable`."""
    trade, instrument = found.trade, found.instrument
    paper = Paper(f"Confirmation of trade {trade.uti}", trade.trade_date)
    paper.pairs(
        {
            "network": found.chain_id,
            "registered in block": found.height,
            "state": f"{found.state}, as of block {found.as_of_height}",
        }
    )
    paper.table("Trade", ("", ""), list(_worded(plain(trade)).items()))
    paper.table("Instrument", ("", ""), list(_worded(plain(instrument)).items()))
    if found.fees:
        rows = [(fee.party, fee.amount) for fee in found.fees]
        paper.table("Fees, minor units", ("party", "amount"), rows)
    paper.text(
        "Both parties have signed this trade; the ledger of the network named holds it. "
        f"Anybody with a header can check it: dcn prove trade {trade.uti}."
    )
    return paper.bytes()


def _worded(fields: dict[str, Any]) -> dict[str, str]:
    return {
        name.replace("_", " "): json.dumps(value) if isinstance(value, list | dict) else str(value)
        for name, value in fields.items()
        if value not in (None, [], "")
    }


def _day(date: int) -> str:
    return f"{date // 10_000:04d}-{date // 100 % 100:02d}-{date % 100:02d}" if date else ""


def _latin(text: str) -> str:
    """What the fonts of every reader have; other characters become question marks."""
    return text.encode("latin-1", "replace").decode("latin-1")


class Paper:
    """A document of tables, on A4."""

    def __init__(self, title: str, date: Date) -> None:
        try:
            import fpdf
        except ImportError:
            raise PdfUnavailable("") from None
        self._pdf = fpdf.FPDF(orientation=WIDE, format="A4")
        # Not the clock: the same content makes the same bytes.
        year, month, day = date // 10_000, date // 100 % 100, date % 100
        moment = datetime.datetime(year, month, day, tzinfo=datetime.UTC)
        self._pdf.set_creation_date(moment)
        self._pdf.set_title(_latin(title))
        self._pdf.add_page()
        self._pdf.set_font("Helvetica", "B", 14)
        self._pdf.multi_cell(0, 8, _latin(title), new_x="LMARGIN", new_y="NEXT")

    def pairs(self, content: dict[str, object]) -> None:
        """Names and values, a line each."""
        self._pdf.set_font("Helvetica", "", 9)
        for name, value in content.items():
            self._pdf.multi_cell(0, 5, _latin(f"{name}: {value}"), new_x="LMARGIN", new_y="NEXT")

    def text(self, content: str) -> None:
        """A paragraph."""
        self._pdf.ln(4)
        self._pdf.set_font("Helvetica", "", 9)
        self._pdf.multi_cell(0, 5, _latin(content), new_x="LMARGIN", new_y="NEXT")

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table with its title; numbers stand on the right."""
        self._pdf.ln(4)
        self._pdf.set_font("Helvetica", "B", 10)
        self._pdf.cell(0, 6, _latin(title), new_x="LMARGIN", new_y="NEXT")
        self._pdf.set_font("Helvetica", "", 7)
        if not rows:
            self._pdf.cell(0, 5, "none", new_x="LMARGIN", new_y="NEXT")
            return
        aligned = tuple("RIGHT" if isinstance(cell, int) else "LEFT" for cell in rows[0])
        headed = 1 if any(columns) else 0
        with self._pdf.table(
            text_align=aligned,
            num_heading_rows=headed,
            first_row_as_headings=bool(headed),
            line_height=4,
            padding=0.6,
        ) as made:
            if headed:
                made.row([_latin(name) for name in columns])
            for row in rows:
                made.row([_latin(f"{x:,}" if isinstance(x, int) else str(x)) for x in row])

    def bytes(self) -> bytes:
        """The document."""
        return bytes(self._pdf.output())
