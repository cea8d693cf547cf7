"""What netting refuses, and whose fault it is."""

from wire.errors import PeerFault, Rejection


class BadObligations(Rejection):
    """The obligations cannot be netted: a self-loop, an amount or a gross out of range."""

    code = "NET_BAD_OBLIGATIONS"
    remedy = "Amounts are 1 or more; nobody owes itself; one member's gross stays below 2^62."


class CertificateRefused(PeerFault):
    """A netting certificate does not prove the result it stands for."""

    code = "NET_CERTIFICATE_REFUSED"
    remedy = "Certify exactly this round: its obligations, its participants and its seed."


class Unsolved(Rejection):
    """A solver found no potentials that determine one optimum (or was stopped)."""

    code = "NET_UNSOLVED"
    remedy = "Ship the greedy certificate, which is marked as maximal."
