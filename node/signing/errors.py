"""What can be wrong between a node and its signer."""

from wire.errors import EnvironmentFault, PeerFault


class BadSignerAddress(EnvironmentFault):
    """The address of a signer is not of a known form."""

    code = "SIGNER_BAD_ADDRESS"
    remedy = "`unix:/path/of/socket` or `tls://host:port`, with --certificates for the latter."


class SignerCertificates(EnvironmentFault):
    """The certificates for the connection between node and signer cannot be used."""

    code = "SIGNER_CERTIFICATES"
    remedy = "Make them with `dcn signer certs`, one folder for each side."


class SignerMisfit(EnvironmentFault):
    """The signer at this address is for another chain, key or protocol."""

    code = "SIGNER_MISFIT"
    remedy = "Check `signer.address` of the node, and which key the signer holds."


class SignerProtocolFault(PeerFault):
    """The other side of a signer's connection said what it may not; the connection is closed."""

    code = "SIGNER_PROTOCOL"
    remedy = "None for a user: the node connects again. Use one version on both sides."


class SignerHomeExists(EnvironmentFault):
    """The directory holds a signer already; nothing of it was touched."""

    code = "SIGNER_HOME_EXISTS"
    remedy = "Name another directory: keys and signer state are never written over."


class SignerHomeIncomplete(EnvironmentFault):
    """A file of the signer's directory is missing or unreadable."""

    code = "SIGNER_HOME_INCOMPLETE"
    remedy = "Make the directory with `dcn signer take`, or restore it from a backup."
