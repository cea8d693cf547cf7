"""Identifiers: LEI check digits (ISO 7064 MOD 97-10), UTIs, codes, chain ids, dates."""

import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import ids
from wire.errors import BadIdentifier

REAL = (
    "5493000IBP32UQZ0KL24",
    "HWUPKR0MPOU8FGXBT394",
    "7LTWFZYICNSX8D621K86",
    "8I5DZWZKVSZI1NUHU748",
)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BASES = st.text(ALPHABET, min_size=18, max_size=18)


@pytest.mark.parametrize("lei", REAL)
def test_real_leis_are_leis(lei: str) -> None:
    assert ids.lei(lei) == lei
    assert ids.lei_from(lei[:18]) == lei


@given(BASES)
def test_check_digits_make_any_base_an_lei_and_lie_in_02_to_98(base: str) -> None:
    lei = ids.lei_from(base)
    assert ids.lei(lei) == lei
    assert 2 <= int(lei[18:]) <= 98
    value = 0
    for letter in lei:  # digit by digit, as the standard's pure system reads it
        number = ALPHABET.index(letter)
        value = (value * (10 if number < 10 else 100) + number) % 97
    assert value == 1


@given(BASES, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_of_its_kind_is_always_found(
    base: str, place: int, letter: str
) -> None:
    lei = ids.lei_from(base)
    wrong = lei[:place] + letter + lei[place + 1 :]
    if wrong != lei and letter.isdigit() == lei[place].isdigit():
        with pytest.raises(BadIdentifier):
            ids.lei(wrong)


@given(BASES, st.integers(0, 16))
def test_two_swapped_neighbours_are_always_found(base: str, place: int) -> None:
    lei = ids.lei_from(base)
    one, two = lei[place], lei[place + 1]
    if one != two and one.isdigit() == two.isdigit():
        with pytest.raises(BadIdentifier, match="check digits are wrong"):
            ids.lei(lei[:place] + two + one + lei[place + 2 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5493000IBP32UQZ0KL2",
        "5493000IBP32UQZ0KL244",
        "5493000ibp32uqz0kl24",
        "5493000IBP32UQZ0KL25",
        "5493000IBP32UQZ0KL2A",
        "5493000IBP32UQZ0KL24\n",
        " 5493000IBP32UQZ0KL24",
        "5493000IBP32UQZ0KL2٤",
        "５493000IBP32UQZ0KL24",
    ],
)
def test_what_only_resembles_an_lei_is_refused(text: str) -> None:
    with pytest.raises(BadIdentifier, match="LEI"):
        ids.lei(text)


def test_the_refusal_tells_the_right_check_digits() -> None:
    with pytest.raises(BadIdentifier, match="5493000IBP32UQZ0KL24 is right"):
        ids.lei("5493000IBP32UQZ0KL42")
    with pytest.raises(BadIdentifier, match="18 of"):
        ids.lei_from("short")


def test_check_digits_that_are_congruent_are_not_equal() -> None:
    """00, 01 and 99 are congruent to 97, 98 and 02: only one form is issued, and all three of
    the forms outside 02 to 98 fail or are another identifier's."""
    lei = ids.lei_from("0" * 17 + "1")
    digits = int(lei[18:])
    for other in range(100):
        text = f"{lei[:18]}{other:02d}"
        if (other - digits) % 97:
            with pytest.raises(BadIdentifier):
                ids.lei(text)


@given(st.sampled_from(REAL), st.text(ALPHABET, min_size=1, max_size=32))
def test_a_uti_is_an_lei_and_up_to_32_characters(lei: str, rest: str) -> None:
    assert ids.uti(lei + rest) == lei + rest


@pytest.mark.parametrize(
    "text",
    [
        "",
        REAL[0],
        REAL[0] + "x",
        REAL[0] + "A" * 33,
        REAL[0] + "A-1",
        REAL[0][:-1] + "5X",
        "É" * 30,
    ],
)
def test_what_is_no_uti_is_refused(text: str) -> None:
    with pytest.raises(BadIdentifier):
        ids.uti(text)


def test_codes_and_chain_ids_have_one_alphabet_each() -> None:
    for good in ("USD", "FWD-AAPL", "BRK.B", "0", "A" * 32):
        assert ids.code(good) == good
    for bad in ("", "usd", "-X", ".X", "A" * 33, "A B", "A\n", "Ä"):
        with pytest.raises(BadIdentifier, match="code"):
            ids.code(bad)
    for good in ("dcn-test-1", "0", "a" * 48):
        assert ids.chain_id(good) == good
    for bad in ("", "-a", "A", "a" * 49, "a b", "a\n", "ä"):
        with pytest.raises(BadIdentifier, match="chain id"):
            ids.chain_id(bad)


@given(st.integers(-(10**9), 10**9) | st.integers(19_000_000, 21_001_331))
def test_a_date_is_a_day_of_the_gregorian_calendar(number: int) -> None:
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    real = (
        1900 <= year <= 9999
        and 1 <= month <= 12
        and 1 <= day <= calendar.monthrange(year, month)[1]
    )
    if real:
        assert ids.date(number) == number
    else:
        with pytest.raises(BadIdentifier, match="date"):
            ids.date(number)


def test_leap_days() -> None:
    for good in (20000229, 20240229, 99991231, 19000101):
        assert ids.date(good) == good
    for bad in (19000229, 20230229, 20240230, 20241301, 20240001, 20240100, 18991231, 0, -20240101):
        with pytest.raises(BadIdentifier):
            ids.date(bad)
