"""The chapters of the rulebook on who takes part, decides and owns what."""

from ledger import objects as o
from node.rulebook_table import Clauses, percent


def members(book: o.Rulebook) -> Clauses:
    """Admission, white list, leaving."""
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
            "the house's never are. In batches it delivers and receives in its own name, and never "
            "with its own member's house.",
            "ledger/clients.py",
        ),
        (
            "A key belongs to one member and one role for ever. A member replaces its own; a lost "
            "one is replaced by vote.",
            "ledger/membership.py",
        ),
    ]


def votes(book: o.Rulebook) -> Clauses:
    """Who decides, and how the rules change."""
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


def assets(_book: o.Rulebook) -> Clauses:
    """Tokens, batches, clients."""
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


def contracts(_book: o.Rulebook) -> Clauses:
    """From a trade to its end."""
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


def finality(_book: o.Rulebook) -> Clauses:
    """When what is done is done."""
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


def validators(book: o.Rulebook) -> Clauses:
    """Power and offences."""
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
