"""What can keep a replay from beginning, or from going where it is told."""

from wire.errors import Rejection


class NothingToReplay(Rejection):
    """The blocks that a home keeps have no such date or case, or end before they begin."""

    code = "REPLAY_NOTHING"
    remedy = "`dcn ledger default_case` lists the cases; the message names what is kept."


class OutsideReplay(Rejection):
    """The replay does not reach there."""

    code = "REPLAY_OUTSIDE"
    remedy = "GET /v1/replay names its first and last block; start another with `--from`, `--to`."


class BadMoment(Rejection):
    """What is to be jumped to is no height and no time, or several things at once."""

    code = "REPLAY_MOMENT"
    remedy = "A height, or a time in UTC as 2008-09-15T14:30:00."
