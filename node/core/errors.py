"""What the node's core refuses, and whose fault it is."""

from wire.errors import EnvironmentFault, PeerFault, Rejection


class ObserverCannotSubmit(Rejection):
    """This node is an observer: it follows, checks and reports, and submits nothing."""

    code = "NODE_OBSERVER"
    remedy = "Submit through a member's node."


class NodeStopping(EnvironmentFault):
    """The node is being stopped, and has not accepted what was submitted."""

    code = "NODE_STOPPING"
    remedy = "Submit it again when the node runs: the same transaction is never decided twice."


class NotVoting(Rejection):
    """This node does not vote at the height under way."""

    code = "NODE_NOT_VOTING"
    remedy = "Ask a validator's node; `dcn status --consensus` says who votes."


class WrongNetwork(PeerFault):
    """A peer speaks another protocol version or belongs to another chain."""

    code = "PEER_WRONG_NETWORK"
    remedy = "Run the same version, with the same genesis file."


class BadBlocks(PeerFault):
    """A peer's blocks do not follow the chain, or a commit is not one."""

    code = "PEER_BAD_BLOCKS"
    remedy = "None for a user: another peer is asked."


class CheckpointContradicted(EnvironmentFault):
    """The network has another block at the height of the header that the operator trusts."""

    code = "CHECKPOINT_CONTRADICTED"
    remedy = (
        "Compare `store.trust` with `dcn block HEIGHT` of several members. If it is right, this "
        "node is being shown a forged chain: tell the members; `dcn reset --store` starts anew."
    )


class RecoveryUnfit(EnvironmentFault):
    """A recovery in this node's home does not fit the chain that the node has."""

    code = "RECOVERY_UNFIT"
    remedy = "Compare it with the other operators' (`dcn recover show`); remove it, or the store."


class UntrustedHeader(PeerFault):
    """The headers that a peer sent do not lead from the genesis to the one it claims."""

    code = "PEER_UNTRUSTED_HEADER"
    remedy = "None for a user: another peer is asked."
