"""The signer: a consensus key and its durable state file. It never signs two things at one place.

The rule is `consensus.signer`; here is the file. The state is made durable before a signature is
let out, so that after any crash the signer knows at least what the world may have seen.
"""

from pathlib import Path

from consensus.errors import DoubleSign
from consensus.inputs import Signed, SignRefused
from consensus.messages import Proposal, Vote, sign_bytes, step_of, with_signature
from consensus.signer import (
    SignerState,
    admit,
    decode_state,
    encode_state,
    new_state,
    signed_state,
)
from node.files import replace_file
from wire.errors import EnvironmentFault
from wire.signing import SigningKey


class SignerStateMissing(EnvironmentFault):
    """The signer's state file is gone although the key has been used."""

    code = "SIGNER_STATE_MISSING"
    remedy = (
        "Restore `signer.state` from the newest copy. Without it the key might sign twice: "
        "take a new consensus key instead."
    )


class FileSigner:
    """Signs votes and proposals of one validator."""

    def __init__(self, path: Path, chain_id: str, key: SigningKey) -> None:
        """Read the state at `path`. Raises `BadSignerState` or `SignerStateMissing`."""
        self._path = path
        self._key = key
        if not path.exists():
            raise SignerStateMissing(str(path))
        self.state: SignerState = decode_state(path.read_bytes(), chain_id, key.public)

    @staticmethod
    def create(path: Path, chain_id: str, key: SigningKey) -> None:
        """The state file of a key that has never signed; once, when the key is made."""
        replace_file(path, encode_state(new_state(chain_id, key.public)))

    def sign(self, message: Vote | Proposal, now_ms: int) -> Signed | SignRefused:
        """The signed message, its place durable; or the refusal."""
        try:
            signature = admit(self.state, message)
        except DoubleSign:
            return SignRefused(step_of(message), message.round, now_ms)
        if signature is None:
            signature = self._key.sign(sign_bytes(self.state.chain_id, message))
            state = signed_state(self.state, message, signature)
            replace_file(self._path, encode_state(state))
            self.state = state
        return Signed(with_signature(message, signature), now_ms)
