"""A node's home directory: configuration, genesis, keys, token, and the data folder."""

import json
import secrets
from pathlib import Path
from typing import Final

import msgspec

from ledger.genesis import Genesis
from node.config import Config, load_config
from node.files import replace_file
from node.signer import FileSigner
from wire.codec import decode, encode
from wire.errors import CodedError, EnvironmentFault
from wire.signing import SigningKey

GENESIS_BYTES_MAX: Final = 256 << 20
PURPOSES: Final = ("peer", "consensus", "trade", "treasury", "governance", "seed_chain")


class HomeIncomplete(EnvironmentFault):
    """A file of the node's home directory is missing or unreadable."""

    code = "HOME_INCOMPLETE"
    remedy = "Create it with `dcn init`, or restore it from a backup."


class Keys(msgspec.Struct, frozen=True):
    """The node's secrets, 32-byte seeds. An observer uses `peer` only."""

    peer: bytes
    consensus: bytes
    trade: bytes
    treasury: bytes
    governance: bytes
    seed_chain: bytes

    def signing(self, purpose: str) -> SigningKey:
        """The signing key of one purpose."""
        return SigningKey(getattr(self, purpose))

    @classmethod
    def fresh(cls) -> "Keys":
        """New random secrets."""
        return cls(*(secrets.token_bytes(32) for _ in PURPOSES))


class Home:
    """Paths of a home directory, and what the files hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.toml"
        self.genesis_file = path / "genesis.dcn"
        self.keys_file = path / "keys.json"
        self.token_file = path / "api.token"
        self.data = path / "data"
        self.store = self.data / "store.sqlite"
        self.log = self.data / "consensus.log"
        self.signer_state = self.data / "signer.state"
        self.damage = self.data / "DAMAGED.json"

    def config(self) -> Config:
        """The configuration; raises `BadConfig`."""
        return load_config(self.config_file)

    def genesis(self) -> Genesis:
        """The genesis; raises `HomeIncomplete`."""
        try:
            return decode(self._read(self.genesis_file), Genesis, GENESIS_BYTES_MAX)
        except CodedError as error:
            raise HomeIncomplete(f"{self.genesis_file}: {error}") from None

    def keys(self) -> Keys:
        """The secrets; raises `HomeIncomplete`."""
        try:
            raw = json.loads(self._read(self.keys_file))
            return Keys(**{purpose: bytes.fromhex(raw[purpose]) for purpose in PURPOSES})
        except (ValueError, KeyError, TypeError) as error:
            raise HomeIncomplete(f"{self.keys_file}: {error!r}") from None

    def token(self) -> str:
        """The bearer token of the API; raises `HomeIncomplete`."""
        return self._read(self.token_file).decode().strip()

    def write(self, config_text: str, genesis: Genesis, keys: Keys) -> None:
        """Lay out a new home; the signer's state file is made here, once."""
        self.data.mkdir(parents=True)
        replace_file(self.config_file, config_text.encode(), 0o644)
        replace_file(self.genesis_file, encode(genesis), 0o644)
        seeds = {purpose: getattr(keys, purpose).hex() for purpose in PURPOSES}
        replace_file(self.keys_file, json.dumps(seeds, indent=2).encode())
        replace_file(self.token_file, secrets.token_urlsafe(32).encode())
        FileSigner.create(self.signer_state, genesis.chain_id, keys.signing("consensus"))

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise HomeIncomplete(f"{path}: {error.strerror}") from None
