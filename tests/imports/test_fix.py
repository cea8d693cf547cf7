"""TradeCaptureReports: a trade is read exactly, and what is none says why, with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.objects import TradeSource
from node.imports.read import Format
from tests.imports.files import ALICE, BOB, EVE, SIDES, UTI, entries, fix


def read(data: bytes, **names: str):  # type: ignore[no-untyped-def]
    return entries(data, Format.FIX, **names)


@pytest.mark.parametrize(
    ("begin", "version"),
    [("FIX.4.4", None), ("FIXT.1.1", "7"), ("FIXT.1.1", "8"), ("FIXT.1.1", "9")],
)
def test_a_trade_of_each_version_is_read_exactly(begin: str, version: str | None) -> None:
    (entry,) = read(fix({1128: version}, begin=begin))
    assert entry.error is None
    trade = entry.trade
    assert (trade.uti, trade.buyer, trade.seller) == (UTI, ALICE, BOB)
    assert (trade.instrument, trade.quantity, trade.price) == ("FWD-MSFT", 100, 25_125)
    assert (trade.trade_date, trade.source) == (20080912, TradeSource.OTC)


def test_the_regulators_identifier_goes_before_the_reports() -> None:
    (entry,) = read(fix({571: "REPORT7", 1903: f"{ALICE}REG", 1003: "T"}))
    assert (entry.trade.uti, entry.trade.reference) == (f"{ALICE}REG", "REPORT7")


def test_client_accounts_and_contra_firms() -> None:
    sides = [
        (552, "1"), (54, "2"), (453, "4"),
        (448, EVE), (447, "N"), (452, "1"),
        (448, ALICE), (447, "N"), (452, "4"),
        (448, "C7"), (447, "D"), (452, "24"),
        (448, BOB), (447, "N"), (452, "17"),
    ]  # fmt: skip
    (entry,) = read(fix(sides=sides))
    assert entry.error is None, entry.error
    assert (entry.trade.buyer, entry.trade.seller) == (BOB, f"{ALICE}:C7")


def test_names_of_other_systems_are_mapped() -> None:
    (entry,) = read(fix({55: "MSFT UW"}), MSFT_UW="FWD-MSFT")
    assert entry.trade.instrument == "FWD-MSFT"
    (entry,) = read(fix({55: "MSFT UW"}))
    assert entry.error.code == "IMPORT_INSTRUMENT_UNKNOWN"


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({31: "25.1255"}, "IMPORT_TERMS_DIFFER", "LastPx 31"),
        ({31: "-1"}, "IMPORT_FIELD", "LastPx 31"),
        ({31: "1e3"}, "IMPORT_FIELD", "LastPx 31"),
        ({31: "0"}, "IMPORT_FIELD", "price"),
        ({31: None}, "IMPORT_FIELD", "LastPx 31 is missing"),
        ({32: "1.5"}, "IMPORT_TERMS_DIFFER", "LastQty 32"),
        ({32: "0"}, "IMPORT_FIELD", "quantity"),
        ({15: "EUR"}, "IMPORT_TERMS_DIFFER", "currency is EUR"),
        ({541: "20081220"}, "IMPORT_TERMS_DIFFER", "maturity is 20081220"),
        ({541: "soon"}, "IMPORT_FIELD", "541"),
        ({75: "20080931"}, "IMPORT_FIELD", "20080931"),
        ({571: "X"}, "IMPORT_FIELD", "UTI"),
        ({571: None}, "IMPORT_FIELD", "UTI"),
        ({487: "1"}, "IMPORT_NOT_SUPPORTED", "487"),
        ({487: "2"}, "IMPORT_NOT_SUPPORTED", "487"),
        ({856: "6"}, "IMPORT_NOT_SUPPORTED", "856"),
        ({150: "H"}, "IMPORT_NOT_SUPPORTED", "150"),
        ({570: "Y"}, "IMPORT_NOT_SUPPORTED", "570"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[int, str | None], code: str, says: str) -> None:
    (entry,) = read(fix(changed))
    assert entry.trade is None
    assert entry.error.code == code
    assert says in entry.error.detail


@pytest.mark.parametrize(
    ("sides", "says"),
    [
        ([(552, "3"), *SIDES[1:]], "552"),
        ([(552, "1"), *SIDES[1:6]], "contra firm"),
        ([(552, "2"), *SIDES[1:6], *SIDES[1:6]], "Side 54"),
        ([(552, "2"), *SIDES[1:6], *[(t, "D" if t == 447 else v) for t, v in SIDES[6:]]], "447"),
        ([(552, "2"), *SIDES[1:6], *[(t, "9" if t == 452 else v) for t, v in SIDES[6:]]], "452"),
        ([(552, "2"), *SIDES[1:6], (54, "5"), *SIDES[7:]], "Side 54"),
        ([], "NoSides"),
    ],
)
def test_sides_that_are_not_two_members(sides: list[tuple[int, str]], says: str) -> None:
    (entry,) = read(fix(sides=sides))
    assert entry.error.code == "IMPORT_FIELD"
    assert says in entry.error.detail


def test_each_message_of_a_file_has_its_line_and_session_messages_are_passed_over() -> None:
    bad = fix({32: "x"})
    whole = b"\n".join([fix(kind="A"), fix(), fix(), fix(kind="0"), bad, b"rubbish", fix(kind="8")])
    found = read(whole)
    assert [(one.line, one.error and one.error.code) for one in found] == [
        (2, None),
        (3, "IMPORT_TWICE"),
        (5, "IMPORT_FIELD"),
        (6, "IMPORT_UNREADABLE"),
        (7, "IMPORT_NOT_SUPPORTED"),
    ]


@pytest.mark.parametrize("begin", ["FIX.4.2", "FIX.5.0", "FIXT.1.1"])
def test_other_versions_are_refused(begin: str) -> None:
    (entry,) = read(fix(begin=begin))
    assert entry.error.code == "IMPORT_NOT_SUPPORTED"


def test_a_trade_of_others_is_refused() -> None:
    sides = [(tag, EVE if value == ALICE else value) for tag, value in SIDES]
    (entry,) = read(fix(sides=sides))
    assert entry.error.code == "IMPORT_NOT_OURS"


def test_fields_not_parted_by_soh_are_no_message() -> None:
    (entry,) = read(fix().replace(b"\x01", b"|"))
    assert entry.error.code == "IMPORT_UNREADABLE"


@given(at=st.integers(0, 10_000), to=st.integers(0, 255))
def test_a_changed_byte_never_makes_another_trade(at: int, to: int) -> None:
    good = fix()
    (before,) = read(good)
    at %= len(good)
    changed = good[:at] + bytes([to]) + good[at + 1 :]
    for entry in read(changed):
        assert entry.trade in (None, before.trade)


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(data: bytes) -> None:
    assert all(entry.trade is None for entry in read(data))


@pytest.mark.parametrize("piece", [b"8=FIX", b"8=FIX.4.4\x01", b"8=FIX.4.4\x019=5\x0110=\x01"])
def test_beginnings_without_an_end_take_no_longer_than_their_length(piece: bytes) -> None:
    """Ten megabytes: gone through once for each beginning, they would take hours."""
    (entry,) = read(piece * (10_000_000 // len(piece)))
    assert entry.error is not None
    assert entry.error.code == "IMPORT_UNREADABLE"
