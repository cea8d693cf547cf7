"""The chapters of the rulebook on margin, netting, default and losses."""

from ledger import objects as o
from node.rulebook_table import Clauses, percent


def _wait(book: o.Rulebook) -> str:
    blocks = book.margin.quorum_wait_blocks
    if not blocks:
        return "A date waits for every feed, however long."
    return (
        f"After {blocks} blocks a date closes without the feeds that have no quorum, at their last "
        "marks, unless a maturity or a fixing hangs on one of them."
    )


def variation(book: o.Rulebook) -> Clauses:
    """Marks, disputes and calls."""
    every = book.margin.cycle_blocks
    often = f"and every {every} blocks between two closes" if every else "and not between"
    return [
        (
            f"A business date closes when at least {book.oracle_quorum} oracles, and more than "
            "half of them, have marked every feed; oracles of one group count once. The median "
            "is the mark. A median beyond a feed's jump limit waits for a second quorum. "
            f"{_wait(book)}",
            "ledger/oracles.py",
        ),
        (
            "Two parties may mark for themselves. Within their tolerance the mean counts. "
            "Beyond it the undisputed amount moves at once; the rest waits for the oracles' "
            "median, an agreement, or the next date. If one is silent, the other's mark counts "
            "if it is near the oracles' price, else theirs; without a quorum it moves "
            "provisionally within the feed's jump limit, and initial margin steps up by "
            f"{percent(book.margin.provisional_im_bps)}.",
            "ledger/marks.py",
        ),
        (
            f"Variation margin is called when a date closes {often}. Without terms of their own, "
            "two parties settle to market with a minimum transfer of "
            f"{book.minimum_transfer_amount}, rounded toward zero to {book.rounding_unit}.",
            "ledger/margin.py",
        ),
        (
            "Two parties may agree on terms (CSA) within these bounds: thresholds up to "
            f"{book.terms.threshold_max}, minimum transfer up to "
            f"{book.terms.minimum_transfer_max}, grace up to {book.terms.grace_blocks_max} "
            "blocks.",
            "ledger/csa.py",
        ),
        (
            "A call names the marks and positions it is reckoned from. Unmet, it has failed "
            f"{book.margin.grace_blocks} blocks after it was due, or what the parties have agreed.",
            "ledger/calls.py",
        ),
    ]


def initial(book: o.Rulebook) -> Clauses:
    """What is required, custody and routes."""
    models = ", ".join(o.ImModel(model).name for model in book.terms.im_models)
    return [
        (
            f"Parties agree on a model: {models}. A historical model covers at least "
            f"{percent(book.terms.confidence_bps_min)} of at least {book.terms.look_back_min} "
            "scenarios, with a tool against procyclicality; a ledger too young for it uses the "
            "standard schedule as a floor. Without a valid netting opinion a pair counts gross.",
            "ledger/immodels.py",
        ),
        (
            "Initial margin is in an account that neither party controls. It moves by these "
            "routes only: posting, return of excess, substitution by at least the same value "
            "after haircut, novation, close-out, and release when the last contract has ended. "
            "Nothing is returned to a member with an unmet call or a dispute.",
            "ledger/custody.py",
        ),
        (
            "A key that votes have given to a member signs for initial margin after "
            f"{book.membership.recovered_key_blocks} blocks only, and so does whatever it is "
            "exchanged for. Until then who has initial margin with the member, or the authority, "
            "may say no for good.",
            "ledger/recovered.py",
        ),
        (
            "A contract on something that a party's own group has issued carries its full value as "
            "that party's initial margin.",
            "ledger/requirement.py",
        ),
        (
            "Calls for initial margin are collected after the netting rounds of the same block: "
            "variation margin comes first.",
            "ledger/calls.py",
        ),
    ]


def netting(book: o.Rulebook) -> Clauses:
    """Rounds, settlement, fees."""
    return [
        (
            "When a cycle is over, all debts that are due are frozen into a round. Debts within "
            "pairs are set off, then the largest amount of debts that run in circles is "
            "cancelled. The result is unique, proved by a certificate and checked by every "
            "node. Nobody's net position changes, no claim of a pair rises.",
            "ledger/rounds.py",
        ),
        (
            f"Pay-ins are published; {book.funding_window_blocks} blocks later net cash moves in "
            "one transition. Who cannot fund is taken out. A failed member costs a claim only "
            "to its own counterparties; others may be paid late, each lateness listed with its "
            "cause.",
            "netting/settle.py",
        ),
        (
            "A party may announce before the freeze that it stays out of a date's rounds. What it "
            "owes is due with them all the same: it pays singly, as anybody may what no round "
            "holds, or has failed. Exchanges stay in the rounds. Who could have funded its pay-in, "
            "had those that stay out paid it, has not failed.",
            "ledger/paying.py",
        ),
        (
            "Legs that are exchanged against value are neither set off nor cancelled, and settle "
            "together or not at all.",
            "netting/settle.py",
        ),
        (
            _fees(book.fees),
            "ledger/fees.py",
        ),
    ]


def _fees(fees: o.FeeSchedule) -> str:
    if fees.collector is None:
        return "There are no fees."
    cap = f", at most {fees.cap}" if fees.cap else ""
    less = "; ".join(
        f"{percent(x.discount_bps)} less from a contribution of {x.contribution_min} on"
        for x in fees.discounts
    )
    return (
        f"Each party of a trade owes {fees.flat} and {fees.notional_ppm} millionths of its "
        f"notional{cap} to {fees.collector}{'; ' + less if less else ''}."
    )


def default(book: o.Rulebook) -> Clauses:
    """From the notice to the close-out."""
    rules = book.default
    protected = "settles if it is funded" if rules.protected_after_entry else "is taken back"
    return [
        (
            "A case is opened by a debt or call unpaid past grace, a notice of insolvency, a "
            "vote of the default committee, or a direction of the authority. Being paid late "
            "because of somebody else is no trigger; a node that does not answer is none either.",
            "ledger/default/notices.py",
        ),
        (
            "The notice names the sum that cures it. No default is declared before "
            f"{rules.notice_blocks} blocks with room for the payment, by proposers with over a "
            "third of the power.",
            "ledger/default/notices.py",
        ),
        (
            f"An authority may stay a close-out for at most {rules.stay_blocks_max} blocks while "
            "the member's payments continue.",
            "ledger/default/cases.py",
        ),
        (
            "At declaration the member loses vote, power and transactions, and its contracts "
            f"are frozen. What has entered but is not final {protected}: rounds are computed "
            "again without it.",
            "ledger/default/declaration.py",
        ),
        (
            f"For {rules.porting_window_blocks} blocks client contracts may be ported whole. "
            f"Then, for {rules.close_out_window_blocks} blocks, firm quotes are taken. A "
            "contract's price is the median of at least three firm quotes from outside both "
            "groups, else the oracles' median after the declaration, each plus the bid-offer of "
            "its product.",
            "ledger/default/closeout.py",
        ),
        (
            "Each netting set has one close-out amount. If it is positive it is the creditor's "
            "claim; if negative the creditor pays it to the estate. Nobody walks away from a "
            "debt. Everybody else's contracts go on.",
            "ledger/default/closeout.py",
        ),
    ]


def losses(book: o.Rulebook) -> Clauses:
    """The waterfall and what is recovered."""
    rules = book.default
    order = ", ".join(o.Tranche(tranche).name for tranche in rules.order)
    repay = {
        o.RepayOrder.REVERSE: "in reverse order of the tranches, pro rata within one",
        o.RepayOrder.PRO_RATA: "all bearers, pro rata",
    }[rules.repay]
    recourse = {
        o.Recourse.FULL: (
            "The residual is provable in its insolvency, and whoever paid is subrogated."
        ),
        o.Recourse.LIMITED: "There is no recourse beyond its estate on the ledger.",
    }[rules.recourse]
    return [
        (
            f"A loss is borne in this order: {order}; what is left stays with the creditor as a "
            f"named residual. A creditor's own retention is {percent(rules.retention_bps)} of "
            "its uncovered claim. Shared tranches are allocated once, when all claims are "
            "fixed, pro rata to uncovered claims.",
            "ledger/waterfall.py",
        ),
        (
            "No recourse lies against other members, against the fund beyond its balance, or "
            f"against the network. {recourse}",
            "ledger/default/losses.py",
        ),
        (
            f"What is recovered repays {repay}.",
            "ledger/default/recoveries.py",
        ),
        (
            "The fund is sized to the two groups with the largest stressed losses in one "
            f"scenario ({len(rules.scenarios)} scenarios in force), shared in proportion to the "
            f"initial margin required over {rules.averaging_days} dates, at least "
            f"{rules.contribution_floor} each. A shortfall is a breach event. Replenishment is a "
            "vote.",
            "ledger/default/sizing.py",
        ),
    ]
