"""Mandates and looks."""

from wire.errors import Rejection


class BadMandate(Rejection):
    """A mandate is not possible: its authority, reference, lists, dates or lengths."""

    code = "MANDATE_INVALID"
    remedy = "Name an active supervisor, ascending lists without repetition, dates in order."


class UnknownMandate(Rejection):
    """The authority has no mandate of this reference."""

    code = "MANDATE_UNKNOWN"
    remedy = "`dcn ledger mandate` lists the mandates in force."


class BadLook(Rejection):
    """A look is not what was committed to, or cannot be."""

    code = "LOOK_INVALID"
    remedy = "Disclose exactly what was committed to, each look once; commit to new hashes only."
