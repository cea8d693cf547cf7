"""The certificate file: a netting certificate together with what it is about.

"DCNN", version 1, the mode (1 byte), the length of the seed (1 byte), the seed, SHA-256 of the
obligations and of everything else that counts (`Posed.digest`), then the body.
"""

from dataclasses import dataclass
from typing import Final

from netting.errors import CertificateRefused
from node.cli.net.mode import Mode

_MAGIC: Final = b"DCNN\x01"
_DIGEST_BYTES: Final = 32
_MODES: Final = tuple(Mode)


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate file's content."""

    mode: Mode
    seed: bytes
    digest: bytes
    body: bytes

    def encode(self) -> bytes:
        """Its bytes."""
        head = bytes((1 + _MODES.index(self.mode), len(self.seed)))
        return _MAGIC + head + self.seed + self.digest + self.body


def read_paper(data: bytes) -> Paper:
    """The content of a certificate file; raises `CertificateRefused`."""
    head = len(_MAGIC) + 2
    if data[: len(_MAGIC)] != _MAGIC or len(data) < head:
        raise CertificateRefused("the file is no certificate of `dcn net solve`")
    mode, seed_end = data[head - 2], head + data[head - 1]
    body = seed_end + _DIGEST_BYTES
    if not 1 <= mode <= len(_MODES) or len(data) < body:
        raise CertificateRefused("the file is cut short, or of a mode that does not exist")
    return Paper(_MODES[mode - 1], data[head:seed_end], data[seed_end:body], data[body:])
