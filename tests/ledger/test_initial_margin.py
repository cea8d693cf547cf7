"""Initial margin: the published schedule, quantiles, the tools against procyclicality, custody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import immodels as im
from ledger import objects as o
from ledger.objects import AssetClass
from wire.ids import Date

TODAY = Date(20240229)


@pytest.mark.parametrize(
    ("kind", "maturity", "percent"),
    [
        (AssetClass.CREDIT, 20260229, 2),
        (AssetClass.CREDIT, 20260301, 5),
        (AssetClass.CREDIT, 20290228, 5),
        (AssetClass.CREDIT, 20290301, 10),
        (AssetClass.RATES, 20250101, 1),
        (AssetClass.RATES, 20280101, 2),
        (AssetClass.RATES, 20400101, 4),
        (AssetClass.FX, 20400101, 6),
        (AssetClass.EQUITY, 20240301, 15),
        (AssetClass.COMMODITY, 20240301, 15),
        (AssetClass.OTHER, 20240301, 15),
    ],
)
def test_percentages_are_those_of_the_standard_schedule(
    kind: AssetClass, maturity: int, percent: int
) -> None:
    """BCBS-IOSCO (2020), appendix A; exactly two or five years are the shorter bucket."""
    assert im.schedule_percent(kind, TODAY, Date(maturity)) == percent


@pytest.mark.parametrize(
    ("weighted", "values", "margin"),
    [
        (15 * 1_000_000, [], 150_000),  # no replacement cost: NGR is 1
        (15 * 1_000_000, [500], 150_000),  # nothing to net
        (15 * 1_000_000, [500, -500], 60_000),  # NGR is 0
        (15 * 1_000_000, [500, -250], 105_000),  # 0.4 + 0.6 * 0.5
        (15 * 1_000_000, [-500], 150_000),
        (100, [3, -2], 1),  # 1 * (0.4 + 0.6 / 3) = 0.6, half up
        (100, [6, -5], 1),  # 0.5 exactly, half up
    ],
)
def test_net_margin_is_gross_times_four_tenths_and_six_tenths_of_the_ratio(
    weighted: int, values: list[int], margin: int
) -> None:
    assert im.schedule_margin(weighted, values, netted=True) == margin


def test_a_pair_without_an_opinion_pays_the_gross_margin() -> None:
    assert im.schedule_margin(15 * 1_000_000, [500, -500], netted=False) == 150_000


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=300), st.integers(1, 9_999))
def test_the_quantile_covers_its_share_and_no_smaller_loss_does(
    losses: list[int], confidence: int
) -> None:
    found = im.quantile(losses, confidence)
    assert found == max(0, found)
    covered = sum(loss <= found for loss in losses)
    assert covered * 10_000 >= confidence * len(losses)
    if found > 0:
        assert sum(loss < found for loss in losses) * 10_000 < confidence * len(losses)


def test_99_percent_of_250_scenarios_is_the_248th_loss() -> None:
    assert im.quantile(list(range(1, 251)), 9_900) == 248


def test_tools_against_procyclicality_round_up() -> None:
    assert im.buffered(101) == 127  # 126.25
    assert im.stressed(100, 301, 2_500) == 151  # 150.25
    assert im.capped(200, 100, 2_500) == 125
    assert im.capped(200, 0, 2_500) == 200
    assert im.capped(200, 100, 0) == 200


def test_rates_move_by_differences_and_prices_in_proportion() -> None:
    assert im.moved(200, 100, 110, 1) == (2_000, 100)
    assert im.moved(-5, -20, 10, -100) == (30, 1)


def test_every_asset_class_has_its_percentage() -> None:
    for kind in o.AssetClass:
        assert im.schedule_percent(kind, TODAY, Date(20240301)) > 0
