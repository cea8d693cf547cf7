"""The root of every coded error: a stable code, a remedy, and the numbers of the case.

The four kinds of ARCHITECTURE ("Failure") are never mixed; the class says whose fault it is:

* `Rejection`: a user's mistake. The sender is told code, numbers and remedy; nothing is lost.
* `PeerFault`: a malicious or broken peer. It is scored and disconnected.
* `EnvironmentFault`: disk, network, clock, configuration. Retried or reported in one line.
* a bug is an `AssertionError`: the node stops rather than diverge.
"""

from typing import ClassVar


class CodedError(Exception):
    """An error with a stable `code` and a `remedy`; the docstring is its line in docs/ERRORS.md."""

    code: ClassVar[str] = "DCN"
    remedy: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


class Rejection(CodedError):
    """A user's mistake: what was sent cannot be accepted as it is."""


class PeerFault(CodedError):
    """A peer sent what no correct peer sends."""


class EnvironmentFault(CodedError):
    """Disk, network, clock or configuration is not as it must be."""


class MalformedBytes(PeerFault):
    """The bytes are not the canonical encoding of the expected message."""

    code = "WIRE_MALFORMED"
    remedy = "Encode with the documented types; every value has exactly one encoding."


class Oversize(PeerFault):
    """The message is longer than its limit."""

    code = "WIRE_OVERSIZE"
    remedy = "Split it: wire/limits.py names every limit and its reason."


class BadSignature(PeerFault):
    """A signature does not verify under the one rule of docs/adr/0002."""

    code = "WIRE_BAD_SIGNATURE"
    remedy = "Sign the exact bytes, with the chain id of this network, and alter nothing after."


class BadIdentifier(Rejection):
    """An identifier (LEI, UTI, asset or instrument code) is not well formed."""

    code = "WIRE_BAD_IDENTIFIER"
    remedy = "Check the identifier: an LEI has 20 characters and ISO 7064 check digits."


class BadProof(Rejection):
    """A Merkle proof does not lead from its leaf to the root."""

    code = "WIRE_BAD_PROOF"
    remedy = "Ask for the proof again, with the header of the height it was made at."
