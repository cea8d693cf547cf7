"""The rules of default in the rulebook: a standard set, and what may be set."""

from collections.abc import Iterable
from typing import Any, Final

from ledger import objects as o
from ledger.waterfall import DCN
from wire.limits import AMOUNT_MAX, TEXT_CHARS_MAX, VALID_UNTIL_HEIGHTS_MAX
from wire.money import BPS

COMMITTEE_MAX: Final = 64
SCENARIOS_MAX: Final = 64
"""The cycle values the whole book once for each."""

SHIFTS_MAX: Final = 512
AVERAGING_DAYS_MAX: Final = 64

ALLOCATING: Final = frozenset(
    tranche
    for tranche in o.Tranche
    if tranche not in (o.Tranche.CASH_CALL, o.Tranche.GAINS_HAIRCUT, o.Tranche.RESIDUAL)
)
"""What an order may hold: cash calls and haircuts of gains need the tools of recovery."""

STANDARD: Final = o.DefaultRules(
    notice_blocks=100,
    porting_window_blocks=100,
    close_out_window_blocks=100,
    stay_blocks_max=5_000,
    protected_after_entry=False,
    order=DCN,
    retention_bps=1_000,
    recourse=o.Recourse.FULL,
    repay=o.RepayOrder.REVERSE,
    bid_offer=(),
    conversions=(),
    operator=None,
    committee=(),
    alternates=(),
    scenarios=(),
    contribution_floor=0,
    averaging_days=5,
    look_back_blocks=100,
    price_band_bps=1_000,
)


def fault_of(rules: o.DefaultRules) -> str | None:
    """What is wrong with the rules of default, or None."""
    lengths = (
        rules.porting_window_blocks,
        rules.stay_blocks_max,
        rules.look_back_blocks,
    )
    products = [entry.product for entry in rules.bid_offer]
    assets = [entry.asset for entry in rules.conversions]
    voters = [*rules.committee, *rules.alternates]
    checks = (
        (all(0 <= x <= VALID_UNTIL_HEIGHTS_MAX for x in lengths), "a length of default in blocks"),
        (1 <= rules.notice_blocks <= VALID_UNTIL_HEIGHTS_MAX, "notice needs a block at least"),
        (
            1 <= rules.close_out_window_blocks <= VALID_UNTIL_HEIGHTS_MAX,
            "the close-out window needs a block at least",
        ),
        (_is_order(rules.order), "the order of tranches"),
        (0 <= rules.retention_bps <= BPS, "the retention"),
        (0 <= rules.price_band_bps <= BPS, "the price band"),
        (_ascending(products), "bid-offer by product, ascending, each once"),
        (all(0 <= entry.bps <= BPS for entry in rules.bid_offer), "a bid-offer"),
        (_ascending(assets), "conversions by asset, ascending, each once"),
        (len(set(voters)) == len(voters) <= COMMITTEE_MAX, "a seat of the committee twice"),
        (all(map(_is_scenario, rules.scenarios)), "a stress scenario"),
        (len(rules.scenarios) <= SCENARIOS_MAX, "too many stress scenarios"),
        (0 <= rules.contribution_floor <= AMOUNT_MAX, "the floor of contributions"),
        (1 <= rules.averaging_days <= AVERAGING_DAYS_MAX, "the averaging of contributions"),
    )
    return next((what for holds, what in checks if not holds), None)


def _is_order(order: tuple[o.Tranche, ...]) -> bool:
    """Margin first, each tranche once, survivors in one way."""
    survivors = (o.Tranche.SURVIVORS, o.Tranche.SURVIVORS_BY_RANK)
    return (
        order[:1] == (o.Tranche.IM,)
        and len(set(order)) == len(order)
        and ALLOCATING.issuperset(order)
        and sum(tranche in survivors for tranche in order) <= 1
    )


def _is_scenario(scenario: o.StressScenario) -> bool:
    return (
        len(scenario.name) <= TEXT_CHARS_MAX
        and len(scenario.shifts) <= SHIFTS_MAX
        and _ascending(shift.feed for shift in scenario.shifts)
        and all(-BPS <= shift.bps <= 10 * BPS for shift in scenario.shifts)
    )


def _ascending(values: Iterable[str] | Iterable[int]) -> bool:
    listed: list[Any] = list(values)
    return listed == sorted(set(listed))
