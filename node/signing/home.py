"""The signer's directory: the consensus key, its chain, its state, and a lock."""

import json
from pathlib import Path
from typing import Final

from node.files import replace_file
from node.home import Home
from node.passphrase import passphrase
from node.sealing import is_sealed, seal, unseal
from node.signer import FileSigner
from node.signing.errors import SignerHomeExists, SignerHomeIncomplete
from wire.signing import SigningKey

KEY_FILE: Final = "signer.json"


class SignerHome:
    """Paths of a signer's directory, and what the files hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key_file = path / KEY_FILE
        self.state = path / "signer.state"
        self.lock = path / "lock"

    def signer(self) -> FileSigner:
        """The signer of this directory. Raises `SignerHomeIncomplete`, `BadSignerState`."""
        try:
            data = self.key_file.read_bytes()
            raw = json.loads(unseal(data, passphrase()) if is_sealed(data) else data)
            chain_id, key = str(raw["chain_id"]), SigningKey(bytes.fromhex(raw["consensus"]))
        except OSError as error:
            raise SignerHomeIncomplete(f"{self.key_file}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise SignerHomeIncomplete(f"{self.key_file} is not a signer's key file") from None
        return FileSigner(self.state, chain_id, key)

    def take_from(self, home: Home) -> bytes:
        """Move the consensus key of a node, which must not run, and its state here; the key's
        public half. Raises `SignerHomeExists`, `HomeIncomplete`.

        First here, then away there: a crash between leaves both, and the node goes on as before.
        """
        if self.key_file.exists() or self.state.exists():
            raise SignerHomeExists(str(self.path))
        keys, chain_id = home.keys(), home.genesis().chain_id
        key = keys.signing("consensus")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if home.signer_state.exists():
            replace_file(self.state, home.signer_state.read_bytes())
        content = {"chain_id": chain_id, "consensus": key.seed.hex()}
        data = json.dumps(content, indent=2).encode()
        replace_file(self.key_file, seal(data, passphrase()) if home.sealed else data)
        home.write_keys(keys.without_consensus())
        home.signer_state.unlink(missing_ok=True)
        return key.public
