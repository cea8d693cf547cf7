"""The rulebook as a text: clauses that a lawyer can read, the parameters in force filled in.

Every clause names the module that carries it out. `docs/RULEBOOK.md` is the text of the standard
rulebook: python -m node.rulebook_page > docs/RULEBOOK.md
"""

from collections.abc import Iterable
from typing import Final

from ledger import objects as o
from ledger.rulebook import standard
from node.rulebook_table import parameters, percent
from wire.ids import AssetCode

Clauses = list[tuple[str, str]]
"""(what it says, the module that carries it out)."""


def page(rulebook: o.Rulebook) -> str:
    """The whole rulebook as Markdown, ending in one newline."""
    parts = [
        f"# Rulebook of {rulebook.service}, version {rulebook.version}\n\n{PREAMBLE}\n"
        f"Amounts are in minor units of {rulebook.currency}. Lengths are in blocks unless a day is "
        "named.\n"
    ]
    for chapter, (title, clauses) in enumerate(_chapters(rulebook), 1):
        parts.append(f"\n## {chapter}. {title}\n")
        for number, (text, home) in enumerate(clauses, 1):
            parts.append(f"\n**{chapter}.{number}** {text} (`{home}`)\n")
    parts.append(parameters(rulebook))
    return "".join(parts)


PREAMBLE: Final = """This text says what the ledger does. It is generated from the parameters in
force: where the two seem to differ, the ledger's code decides, and the difference is a defect of
this page. A change of a parameter is a new version (chapter 2); every decision's event names the
clause and the version that it rests on. The words are those of the glossary (docs/GLOSSARY.md)."""


def _chapters(rulebook: o.Rulebook) -> Iterable[tuple[str, Clauses]]:
    yield "Members", _members(rulebook)
    yield "Votes and amendments", _votes(rulebook)
    yield "Assets and accounts", _assets(rulebook)
    yield "Trades and contracts", _contracts(rulebook)
    yield "Variation margin", _variation(rulebook)
    yield "Initial margin", _initial(rulebook)
    yield "Netting and settlement", _netting(rulebook)
    yield "Default", _default(rulebook)
    yield "Losses and recoveries", _losses(rulebook)
    yield "Finality", _finality(rulebook)
    yield "Validators", _validators(rulebook)


def _members(book: o.Rulebook) -> Clauses:
    rules = book.membership
    kyc = "an attestation in force by an attestor or the authority, " if rules.kyc_required else ""
    return [
        (
            f"An applicant is admitted by vote if it has {kyc}attested capital of at least "
            f"{rules.capital_min}, and has committed itself to a contribution of at least "
            f"{rules.contribution_min} to the default fund.",
            "ledger/criteria.py",
        ),
        (
            "A member whose attestation is revoked (by two attestors, or by the authority) or "
            f"has expired for more than {rules.kyc_cure_dates} business dates starts no "
            "transaction and enters no new trade. It is paid into a blocked account. What it "
            "owes and is owed still settles. This is no default.",
            "ledger/kyc.py",
        ),
        (
            f"A member may resign. It may exit {rules.cooling_off_blocks} blocks later, once "
            "nothing is open: no contract, debt, collateral, contribution, batch or case. Until "
            "then it keeps its duties, and its contribution stays liable.",
            "ledger/leaving.py",
        ),
        (
            "A client account belongs to a member and to one client. Its debts are met from it, "
            "the house's never are.",
            "ledger/clients.py",
        ),
        (
            "A key belongs to one member and one role for ever. A member replaces its own; a lost "
            "one is replaced by vote.",
            "ledger/membership.py",
        ),
    ]


def _votes(book: o.Rulebook) -> Clauses:
    found: Clauses = [
        (
            "A proposal is decided by the electorate of its kind (table of voting rules below). "
            "Who it is about, who is in default, and their groups have no vote, and leave the "
            "denominator.",
            "ledger/governance.py",
        ),
        (
            f"The votes of one group count for at most {percent(book.group_vote_bps_max)} of the "
            "entitled weight.",
            "ledger/governance.py",
        ),
        (
            "An amendment of the rulebook is a new version with a hash of its own. It does not "
            "touch initial margin that is posted already, nor a case whose notice is given.",
            "ledger/enactment.py",
        ),
    ]
    return found


def _assets(_book: o.Rulebook) -> Clauses:
    return [
        (
            "A token is created by its issuer, against a reserve that the transaction names, and "
            "redeemed by it. The sum of all balances is what was minted less what was redeemed, "
            "after every block.",
            "ledger/cash.py",
        ),
        (
            "Nobody meets margin or a pay-in in what its own group has issued; trades and terms "
            "that would settle in it are refused.",
            "ledger/checks.py",
        ),
        (
            "A batch settles all its legs in one transition, or none. It is irrevocable when every "
            "sender has allocated and every receiver approved; incomplete at its deadline it is "
            "tried again as often as it asked for, and then cancelled.",
            "ledger/settlement.py",
        ),
    ]


def _contracts(_book: o.Rulebook) -> Clauses:
    return [
        (
            "A trade is one record, signed by both parties, with one identifier. It is live "
            "when the initial margin that it needs, both ways, is in custody in the same "
            "transition.",
            "ledger/trades.py",
        ),
        (
            "Amendment, cancellation and termination, whole or in part, take both parties; a "
            "novation takes all three. What a contract is worth when it leaves its netting set, "
            "and has not moved yet, moves with the next margin cycle.",
            "ledger/contracts.py",
        ),
        (
            "Coupons fall due in the transition whose marks go without them. What is to be "
            "delivered on the last date is delivered against payment: both, or neither.",
            "ledger/schedule.py",
        ),
    ]


def _variation(book: o.Rulebook) -> Clauses:
    every = book.margin.cycle_blocks
    often = f"and every {every} blocks between two closes" if every else "and not between"
    return [
        (
            f"A business date closes when at least {book.oracle_quorum} oracles, and more than "
            "half of them, have marked every feed; oracles of one group count once. The median "
            "is the mark. A median beyond a feed's jump limit waits for a second quorum.",
            "ledger/oracles.py",
        ),
        (
            "Two parties may mark for themselves. Within their tolerance the mean counts. "
            "Beyond it the undisputed amount moves at once; the rest waits for the oracles' "
            "median, an agreement, or the next date. If one is silent, the other's mark counts "
            "if it is near the oracles' price, else theirs.",
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


def _initial(book: o.Rulebook) -> Clauses:
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
            "A contract on something that a party's own group has issued carries its full value as "
            "that party's initial margin.",
            "ledger/im.py",
        ),
        (
            "Calls for initial margin are collected after the netting rounds of the same block: "
            "variation margin comes first.",
            "ledger/calls.py",
        ),
    ]


def _netting(book: o.Rulebook) -> Clauses:
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
            "holds, or has failed.",
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


def _default(book: o.Rulebook) -> Clauses:
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


def _losses(book: o.Rulebook) -> Clauses:
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


def _finality(_book: o.Rulebook) -> Clauses:
    return [
        (
            "A debt, instruction or batch is entered when its block is decided, irrevocable at the "
            "freeze (a batch: when complete), and final when the settling block is decided.",
            "ledger/apply.py",
        ),
        (
            "Nothing final is ever unwound. An error is corrected by a new transaction.",
            "ledger/apply.py",
        ),
    ]


def _validators(book: o.Rulebook) -> Clauses:
    return [
        (
            "A block is decided by over two thirds of the voting power. A change of validators "
            "takes effect two blocks after the block that decides on it.",
            "ledger/validators.py",
        ),
        (
            "A validator that signs two different messages at one place loses its power and is "
            f"suspended. Evidence expires after {book.evidence_age_blocks} blocks and "
            f"{book.evidence_age_ms} ms, when both have passed.",
            "ledger/validators.py",
        ),
        (
            "If more than a third of the power is lost for good, members with over two thirds "
            "of the votes may put new validators in its place (docs/RECOVERY.md).",
            "ledger/recovery.py",
        ),
    ]


if __name__ == "__main__":
    import sys

    sys.stdout.write(page(standard("EQUITY-FORWARD", AssetCode("USD"), 2)))
