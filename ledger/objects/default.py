"""What a default's rules, cases, claims and losses are made of."""

from enum import IntEnum


class Tranche(IntEnum):
    """Who bears a part of a loss; the order in which they do is data of the rulebook."""

    IM = 1
    """Initial margin of the defaulter, held for the one creditor."""
    DEFAULTER = 2
    """The defaulter's contribution to the fund: shared by the claims of its case."""
    RETENTION = 3
    """A share of its uncovered claim that each creditor bears itself."""
    OWN_CONTRIBUTION = 4
    """The creditor's own contribution to the fund."""
    CAPITAL = 5
    """Of the network's operator: shared by all claims."""
    SURVIVORS = 6
    """Contributions of who is not in default, all in proportion."""
    SURVIVORS_BY_RANK = 7
    """The same, juniorised: rank by rank, who helped least first."""
    CASH_CALL = 8
    """More from each survivor, up to its cap."""
    GAINS_HAIRCUT = 9
    """Less for each that has a net gain in the round, up to a cap."""
    RESIDUAL = 10
    """What is left stays with the creditor; never part of an order, always its end."""


class Recourse(IntEnum):
    """What may be claimed from the defaulter itself, after the waterfall."""

    FULL = 1
    """Residuals are provable in its insolvency, and whoever paid is subrogated."""
    LIMITED = 2
    """Nothing more."""


class RepayOrder(IntEnum):
    """Whom recoveries repay first."""

    REVERSE = 1
    """The last to bear is the first repaid, in proportion within a tranche."""
    PRO_RATA = 2
    """All bearers, in proportion."""
