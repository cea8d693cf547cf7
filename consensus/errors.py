"""What a consensus message, validator set or signer file can be refused for."""

from wire.errors import EnvironmentFault, PeerFault, Rejection


class WrongHeight(PeerFault):
    """A consensus message of another height was given to a core; the caller routes by height."""

    code = "CONSENSUS_WRONG_HEIGHT"
    remedy = "Route each message to the core of its height; older heights need only their commit."


class NotAValidator(PeerFault):
    """A consensus message is signed by a key that is not in the validator set of its height."""

    code = "CONSENSUS_NOT_A_VALIDATOR"
    remedy = "Sign with the consensus key the ledger holds for this height."


class NotTheProposer(PeerFault):
    """A proposal comes from a validator whose turn it is not."""

    code = "CONSENSUS_NOT_THE_PROPOSER"
    remedy = "Only the proposer of (height, round) may propose; check the validator set."


class BadCertificate(PeerFault):
    """A certificate is not what it claims: order, members, power or subject is wrong."""

    code = "CONSENSUS_BAD_CERTIFICATE"
    remedy = "Ask another peer for the certificate; this one has no quorum behind it."


class BadEvidence(PeerFault):
    """A piece of evidence does not show one validator saying two things at one step."""

    code = "CONSENSUS_BAD_EVIDENCE"
    remedy = "Evidence is two signed messages of one validator, height, round and kind that differ."


class BadValidatorSet(Rejection):
    """A validator set is empty, too large, has a member twice, or a power out of range."""

    code = "CONSENSUS_BAD_VALIDATOR_SET"
    remedy = "Give 1 to 100 distinct keys with positive powers whose total stays below 2^60."


class DoubleSign(EnvironmentFault):
    """The signer was asked for a message at or before a step at which it has already signed."""

    code = "SIGNER_DOUBLE_SIGN"
    remedy = "Wait for a later height; look for a second node with this key or a restored backup."


class BadSignerState(EnvironmentFault):
    """The signer's state file is damaged, or of another key or chain."""

    code = "SIGNER_BAD_STATE"
    remedy = "Restore the signer's own file. Never delete it: it is what prevents double signing."


class MisplacedExtension(PeerFault):
    """A vote that is no precommit for a block carries an extension."""

    code = "CONSENSUS_MISPLACED_EXTENSION"
    remedy = "None for a user: the sender is at fault."
