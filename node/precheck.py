"""What can be said of a home before its node runs: do configuration, keys and genesis agree?"""

from ledger.objects import Role
from node.config import BadConfig, Config, place_of
from node.home import Home, HomeIncomplete
from node.network.config import tcp_endpoint
from node.signing.address import read_address
from wire.errors import CodedError


def check_home(home: Home) -> tuple[Config, list[str]]:
    """The configuration, and what is worth knowing.

    Raises `BadConfig` or `HomeIncomplete` for what `dcn run` would refuse.
    """
    config = check_addresses(home)
    keys = home.keys()
    home.token()
    if not home.genesis_file.exists():
        return config, ["there is no genesis yet: `dcn genesis adopt` brings it"]
    genesis = home.genesis()
    members = {str(member.lei): member for member in genesis.members}
    me = members.get(config.lei)
    if me is None:
        raise HomeIncomplete(f"genesis has no member {config.lei}")
    if me.peer_key != keys.signing("peer").public:
        raise HomeIncomplete(f"keys.json is not that of {config.lei}: the peer key differs")
    warnings = [
        f"peer {lei} is not in the genesis" for lei in config.network.peers if lei not in members
    ]
    remote = config.signer.address
    if remote:
        folder = home.path / config.signer.certificates if config.signer.certificates else None
        read_address(remote, folder)
    elif keys.consensus is None:
        raise HomeIncomplete("the consensus key is with a signer: set `signer.address`")
    elif not home.signer_state.exists():
        warnings.append("the signer's state is lost: the node follows until it is safe to vote")
    if Role.VALIDATOR in me.roles and me.consensus_key != keys.consensus_key:
        warnings.append("the consensus key is not the genesis's: this node will not vote")
    return config, warnings


def check_addresses(home: Home) -> Config:
    """The configuration, its addresses well formed. Raises `BadConfig`."""
    config = home.config()
    peers = {f"peers.{lei}": address for lei, address in config.network.peers.items()}
    for name, address in {"listen": config.network.listen, **peers}.items():
        try:
            tcp_endpoint(address)
        except CodedError as error:
            place = place_of(home.config_file, f"network.{name}")
            raise BadConfig(f"{place}: network.{name}: {error.detail}") from None
    return config
