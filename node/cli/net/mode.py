"""The modes of `dcn net`."""

from enum import StrEnum


class Mode(StrEnum):
    """What is done with the obligations."""

    CYCLES = "cycles"
    """Pairs set off, then the largest circulation cancelled."""
    GROSS = "gross"
    """The largest circulation, pairs not set off first: for whom relations do not matter."""
    ROUND = "round"
    """As `cycles`; what is left is settled in cash."""
    GRIDLOCK = "gridlock"
    """Payments that settle whole or not at all, in the order of the file."""
    COMPRESS = "compress"
    """Trades (debtor sells to creditor) torn up within each member's tolerance."""


WITH_CASH = (Mode.ROUND, Mode.GRIDLOCK, Mode.COMPRESS)
"""The modes in which cash (compress: tolerance) counts."""
