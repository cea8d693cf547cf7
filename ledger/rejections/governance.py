"""Proposals, votes, the rulebook, a recovery; and blocks."""

from ledger.rejections.envelope import WrongSigners
from wire.errors import Rejection


class UnknownProposal(Rejection):
    """No proposal has this number."""

    code = "PROPOSAL_UNKNOWN"
    remedy = "Proposals are listed by `dcn governance list`."


class ProposalClosed(Rejection):
    """Votes on this proposal have been counted."""

    code = "PROPOSAL_CLOSED"
    remedy = "Open a new proposal."


class NotEntitled(Rejection):
    """The member is not of the electorate, or has an interest of its own in the proposal."""

    code = "VOTE_NOT_ENTITLED"
    remedy = (
        "See the electorate in the rulebook; whom a proposal is about, and its group, do not vote."
    )


class BadRulebook(Rejection):
    """The parameters are out of range, or not the next version of the ones in force."""

    code = "RULEBOOK_INVALID"
    remedy = "Start from the rulebook in force, raise its version by one, and keep every range."


class BadRecovery(Rejection):
    """A recovery does not fit the chain, contradicts itself, or too few members have signed it."""

    code = "RECOVERY_INVALID"
    remedy = "Draft it anew on the home with the highest block; `dcn recover show` says who signed."


class BlockRefused(Rejection):
    """A block breaks a rule that makes all of it invalid, whatever its transactions say."""

    code = "BLOCK_INVALID"
    remedy = "None for a user: its proposer is at fault, validators prevote nil."


class BadListing(Rejection):
    """What is to be listed contradicts itself or the ledger, or is there already."""

    code = "LISTING_INVALID"
    remedy = "Use a new code, an issuer with that role, and what is listed already; dates ascend."


class NotTheBootstrapKey(WrongSigners):
    """The network has no bootstrap key, it is another one, or it has been retired."""

    code = "BOOTSTRAP_NOT_THE_KEY"
    remedy = "Propose, and have the electorate vote."
