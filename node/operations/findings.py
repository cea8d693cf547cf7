"""What an examination of a node can find wrong, each with what to do about it."""

from wire.errors import EnvironmentFault


class ClockOff(EnvironmentFault):
    """This machine's clock differs from those of the validators, as their votes show them."""

    code = "CLOCK_OFF"
    remedy = "Set the clock and keep it with NTP (`timedatectl`): votes and block times carry it."


class NetworkSilent(EnvironmentFault):
    """The node runs, but its last block is older than an idle network would leave it."""

    code = "NETWORK_SILENT"
    remedy = (
        "`dcn status --consensus` says who is missing and what the node waits for; if other nodes "
        "go on, look at this node's peers and clock."
    )


class DiskShort(EnvironmentFault):
    """The disk under the node's data has little room left."""

    code = "DISK_SHORT"
    remedy = "Free or add space; `store.retain_blocks` in config.toml lets old blocks be pruned."


class PortTaken(EnvironmentFault):
    """Another program listens where this node would."""

    code = "PORT_TAKEN"
    remedy = (
        "Stop the other program (`ss -ltnp` names it), or take another port: in config.toml, or "
        "with the command's `--port`."
    )


class PortSilent(EnvironmentFault):
    """The node runs, but nothing answers where it should listen."""

    code = "PORT_SILENT"
    remedy = "Look at the end of the node's log; if it is still starting, ask again in a minute."


class PeerUnreachable(EnvironmentFault):
    """A peer's address does not answer."""

    code = "PEER_UNREACHABLE"
    remedy = "Ask its operator whether the node runs; check address, routing and firewalls."


class PeerNotConnected(EnvironmentFault):
    """A peer's address answers, but the two nodes are not connected."""

    code = "PEER_NOT_CONNECTED"
    remedy = "Look in both logs for `stranger refused` or `peer_fault`: keys or versions differ."


class KeysNotOnLedger(EnvironmentFault):
    """A key of this home is not the one that the ledger names for its entity."""

    code = "KEYS_NOT_ON_LEDGER"
    remedy = (
        "After `dcn keys rotate`: stop the node and run `dcn keys adopt`. Else restore keys.json "
        "from its backup, or have the members replace a lost key (`dcn governance`)."
    )


class SecretExposed(EnvironmentFault):
    """A file with secrets can be read by other users of this machine."""

    code = "SECRET_EXPOSED"
    remedy = "`chmod 600` the file; if others may have read it, `dcn keys rotate`."


class SignerStateLost(EnvironmentFault):
    """What the consensus key has signed last is not known here, or an older copy is."""

    code = "SIGNER_STATE_LOST"
    remedy = (
        "Nothing has to be done while other validators decide: the node follows until it is safe "
        "to vote. Never bring back an older copy of the state (docs/SIGNER.md)."
    )


class SignerAway(EnvironmentFault):
    """The signer that the configuration names does not answer."""

    code = "SIGNER_AWAY"
    remedy = "Start `dcn signer run`; check `signer.address` and the certificates in config.toml."
