"""A blotter's CSV: every line is a trade or says what is wrong with it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.blotter import COLUMNS
from node.imports.errors import ImportUnreadable
from node.imports.read import Format
from tests.imports.files import ALICE, BOB, entries

HEAD = ",".join(COLUMNS)


def row(number: int, **changed: str) -> str:
    fields = {
        "uti": f"{ALICE}C{number}", "buyer": ALICE, "seller": BOB, "instrument": "FWD-MSFT",
        "quantity": "5", "price": "7", "trade_date": "20080912", "source": "BOOK",
        "reference": '"a, b"',
    } | changed  # fmt: skip
    return ",".join(fields[name] for name in COLUMNS)


def test_lines_are_reported_one_by_one() -> None:
    text = "\r\n".join(
        [
            HEAD, row(1), row(2, quantity="-1"), row(3, source=""), row(4) + ",more",
            "too,short", row(1), row(6, seller=BOB[:-1] + "0"), row(7, instrument="NONE"),
        ]
    )  # fmt: skip
    found = entries(text.encode(), Format.CSV)
    assert [(x.line, x.error and x.error.code) for x in found] == [
        (2, None), (3, "IMPORT_FIELD"), (4, None), (5, "IMPORT_FIELD"), (6, "IMPORT_FIELD"),
        (7, "IMPORT_TWICE"), (8, "IMPORT_FIELD"), (9, "IMPORT_INSTRUMENT_UNKNOWN"),
    ]  # fmt: skip
    assert found[0].trade is not None
    assert found[0].trade.reference == "a, b"


def test_a_field_over_two_lines_does_not_shift_the_count() -> None:
    text = "\n".join([HEAD, row(1, reference='"x\ny"'), row(2, price="0")])
    found = entries(text.encode(), Format.CSV)
    assert [(x.line, x.error is None) for x in found] == [(2, True), (4, False)]


@pytest.mark.parametrize("data", [b"", b"uti,buyer\n", b"\xff\xfe", b'"', HEAD.encode() + b'\n"x'])
def test_what_is_no_such_file_is_refused_whole(data: bytes) -> None:
    with pytest.raises(ImportUnreadable):
        entries(data, Format.CSV)


@given(st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    data = f"{HEAD}\n{text}".encode("utf-8", "replace")
    try:
        found = entries(data, Format.CSV)
    except ImportUnreadable:
        return
    assert all(one.trade is None for one in found)
    assert len(found) <= len(io.StringIO(text).readlines()) + text.count("\r")
