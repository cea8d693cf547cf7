"""Default and the default fund."""

from wire.errors import Rejection


class UnknownService(Rejection):
    """No service of this name, or no fund of it."""

    code = "FUND_UNKNOWN_SERVICE"
    remedy = "Name the service of the rulebook."


class NotTheOperator(Rejection):
    """Only the operator that the rulebook names puts capital into the waterfall."""

    code = "FUND_NOT_OPERATOR"
    remedy = "Have the rulebook name the operator first."


class FundLocked(Rejection):
    """Contributions are held: a case is open, or the member has an unpaid debt or a notice."""

    code = "FUND_LOCKED"
    remedy = "Pay what is owed; wait until open cases are through the waterfall."


class BelowRequirement(Rejection):
    """Less than the required contribution would be left."""

    code = "FUND_BELOW_REQUIREMENT"
    remedy = "Withdraw at most what exceeds the requirement."


class UnknownCase(Rejection):
    """No default case has this number."""

    code = "DEFAULT_UNKNOWN_CASE"
    remedy = "Cases are numbered from 1; look at the events."


class WrongCaseState(Rejection):
    """The case is not at the stage at which this can be done."""

    code = "DEFAULT_WRONG_STATE"
    remedy = "docs/DEFAULT.md shows the stages of a case and what can be done in each."


class CaseIsOpen(Rejection):
    """A case of this member is open already."""

    code = "DEFAULT_CASE_OPEN"
    remedy = "Follow the open case."


class NotAnAuthority(Rejection):
    """Only a supervisor of the network may do this."""

    code = "DEFAULT_NOT_AUTHORITY"
    remedy = "Ask a member with the regulator role."


class NotConcerned(Rejection):
    """Neither the member itself nor an authority, or not the member that the case is about."""

    code = "DEFAULT_NOT_CONCERNED"
    remedy = "Name yourself, or ask an authority."


class NotYourNotice(Rejection):
    """This notice ends in another way: by payment, or by the committee's vote."""

    code = "DEFAULT_NOT_YOUR_NOTICE"
    remedy = "Pay what the notice names (CureDefault), or propose WithdrawNotice to the committee."


class StillInRound(Rejection):
    """Debts of the notice are in a netting round at the moment."""

    code = "DEFAULT_IN_ROUND"
    remedy = "Fund the round's pay-in; what it settles is cured."


class BadStay(Rejection):
    """A stay longer than the rulebook allows, counted over all stays of the case."""

    code = "DEFAULT_BAD_STAY"
    remedy = "Stay for fewer blocks."


class NotIndependent(Rejection):
    """Who quotes belongs to the defaulter's group, or may not trade."""

    code = "DEFAULT_NOT_INDEPENDENT"
    remedy = "Quotes come from trading members outside the defaulter's group."


class BadQuote(Rejection):
    """The price is outside the feed's range, or the defaulter has no such contract."""

    code = "DEFAULT_BAD_QUOTE"
    remedy = "Quote instruments of the case, in the scale of their feed."


class BadPorting(Rejection):
    """The two accounts are not of one client, or the client itself has failed a debt."""

    code = "DEFAULT_BAD_PORTING"
    remedy = "Open an account for the same client with the other member first."


class NotAGuarantor(Rejection):
    """The CSA of the set does not name this guarantor, or its guarantee does not reach."""

    code = "DEFAULT_NOT_GUARANTOR"
    remedy = "Both parties name guarantors in their CSA; the guarantor states its total."


class NothingToDistribute(Rejection):
    """Nothing has been recovered, or everybody is repaid, or the rulebook's recourse is limited."""

    code = "DEFAULT_NOTHING_TO_DISTRIBUTE"
    remedy = "Record a recovery first; see the recourse in the rulebook."
