"""A node's home directory: configuration, genesis, keys, token, and the data folder."""

import json
import secrets
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.genesis import Genesis
from node.config import Config, load_config
from node.files import replace_file
from node.passphrase import passphrase as passphrase_now
from node.sealing import is_sealed, seal, unseal
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


class HomeExists(EnvironmentFault):
    """The directory holds a node's home already; nothing of it was touched."""

    code = "HOME_EXISTS"
    remedy = "Name another directory: keys and signer state are never written over."


class Keys(msgspec.Struct, frozen=True):
    """The node's secrets, 32-byte seeds. An observer uses `peer` only."""

    peer: bytes
    consensus: bytes | None
    """None: with a signer in a process of its own."""
    trade: bytes
    treasury: bytes
    governance: bytes
    seed_chain: bytes
    consensus_public: bytes | None = None
    """The public key, where the secret is not here."""

    def signing(self, purpose: str) -> SigningKey:
        """The signing key of one purpose; raises `HomeIncomplete` if it is with a signer."""
        seed = getattr(self, purpose)
        if seed is None:
            raise HomeIncomplete(f"the {purpose} key is not here but with a signer")
        return SigningKey(seed)

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, which nobody without these secrets has (RFC 5869)."""
        made = HKDF(hashes.SHA256(), length=32, salt=None, info=f"dcn {purpose}".encode())
        return made.derive(self.peer)

    @property
    def consensus_key(self) -> bytes:
        """The public consensus key, wherever its secret is."""
        if self.consensus_public is not None:
            return self.consensus_public
        return self.signing("consensus").public

    def without_consensus(self) -> "Keys":
        """What is left when the consensus key has gone to a signer."""
        public = self.consensus_key
        return msgspec.structs.replace(self, consensus=None, consensus_public=public)

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
        self.recoveries = path / "recoveries"
        """Files of recoveries that the operator has agreed to."""
        self.lock = self.data / "lock"

    def config(self) -> Config:
        """The configuration; raises `BadConfig`."""
        return load_config(self.config_file)

    def genesis(self) -> Genesis:
        """The genesis; raises `HomeIncomplete`."""
        return read_genesis(self.genesis_file)

    def keys(self) -> Keys:
        """The secrets; raises `HomeIncomplete`, `PassphraseMissing`, `PassphraseWrong`."""
        try:
            raw = json.loads(self.read_secrets(self.keys_file))
            public = raw.pop("consensus_public", None)
            seeds: dict[str, Any] = {name: bytes.fromhex(raw[name]) for name in PURPOSES}
            if public is None:
                return Keys(**seeds)
            return Keys(**{**seeds, "consensus": None}, consensus_public=bytes.fromhex(public))
        except (ValueError, KeyError, TypeError) as error:
            raise HomeIncomplete(f"{self.keys_file}: {error!r}") from None

    def token(self) -> str:
        """The bearer token of the API; raises `HomeIncomplete`."""
        return self._read(self.token_file).decode("ascii", "replace").strip()

    def write(self, config_text: str, genesis: Genesis, keys: Keys) -> None:
        """Lay out a new home that can run."""
        self.make(config_text, keys)
        self.adopt(genesis, keys)

    def make(self, config_text: str, keys: Keys, passphrase: str | None = None) -> None:
        """Lay out a new home whose network is still to be founded; raises `HomeExists`.

        `passphrase`: keys.json is sealed under it; None: it is plain.
        """
        if self.path.exists() and any(self.path.iterdir()):
            raise HomeExists(str(self.path))
        self.data.mkdir(parents=True)
        replace_file(self.config_file, config_text.encode(), 0o644)
        self.write_keys(keys, passphrase)
        self.make_token()

    def make_token(self) -> None:
        """A fresh bearer token for the API."""
        replace_file(self.token_file, secrets.token_urlsafe(32).encode())

    def write_keys(self, keys: Keys, passphrase: str | None = None) -> None:
        """Write the secrets, whole or not at all; sealed under `passphrase`, or as they were."""
        if passphrase is None:
            self.write_secrets(self.keys_file, _written(keys))
        else:
            replace_file(self.keys_file, seal(_written(keys), passphrase))

    def write_plain(self, keys: Keys) -> None:
        """Write the secrets under no passphrase."""
        replace_file(self.keys_file, _written(keys))

    @property
    def sealed(self) -> bool:
        """Whether the secrets of this home are under a passphrase."""
        return self.keys_file.exists() and is_sealed(self._read(self.keys_file))

    def read_secrets(self, path: Path) -> bytes:
        """A file of secrets, opened if it is sealed. Raises as `keys`."""
        data = self._read(path)
        return unseal(data, passphrase_now()) if is_sealed(data) else data

    def write_secrets(self, path: Path, data: bytes) -> None:
        """Write a file of secrets, sealed if keys.json is."""
        replace_file(path, seal(data, passphrase_now()) if self.sealed else data)

    def adopt(self, genesis: Genesis, keys: Keys | None = None) -> None:
        """Join the network of `genesis`; the signer's state file is made here, once.

        `keys`: those of this home, if they are at hand already. Raises `HomeExists` if
        the home belongs to a network already.
        """
        if self.genesis_file.exists() or self.signer_state.exists():
            raise HomeExists(f"{self.path} belongs to a network already")
        key = (keys or self.keys()).signing("consensus")
        FileSigner.create(self.signer_state, genesis.chain_id, key)
        replace_file(self.genesis_file, encode(genesis), 0o644)

    @staticmethod
    def _read(path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise HomeIncomplete(f"{path}: {error.strerror}") from None


def _written(keys: Keys) -> bytes:
    seeds = {purpose: (getattr(keys, purpose) or b"").hex() for purpose in PURPOSES}
    if keys.consensus_public is not None:
        seeds["consensus_public"] = keys.consensus_public.hex()
    return json.dumps(seeds, indent=2).encode()


def read_genesis(path: Path) -> Genesis:
    """The genesis of a file, its form checked; raises `HomeIncomplete`."""
    try:
        return decode(path.read_bytes(), Genesis, GENESIS_BYTES_MAX)
    except OSError as error:
        raise HomeIncomplete(f"{path}: {error.strerror}") from None
    except CodedError as error:
        raise HomeIncomplete(f"{path} is no genesis: {error}") from None
