"""Tokens of the API: what a client may do, and until when. The home keeps their hashes only."""

import hashlib
import hmac
import json
import secrets
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from node.files import replace_file
from node.home import Home, HomeIncomplete
from wire.errors import Rejection

TOKENS_MAX: Final = 1_000


class Scope(StrEnum):
    """What a token allows. `sign` has the home's keys sign, `approve` is the second pair of eyes,
    `admin` acts for the operator; none includes another."""

    READ = "read"
    TRADE = "trade"
    SIGN = "sign"
    APPROVE = "approve"
    ADMIN = "admin"


class NoSuchToken(Rejection):
    """No token of the home has this name or id."""

    code = "TOKEN_UNKNOWN"
    remedy = "`dcn token list` shows them."


class PersonOnlyReads(Rejection):
    """A token of a person under a mandate is for reading, and names the mandate and a purpose."""

    code = "TOKEN_PERSON"
    remedy = "`dcn token create NAME --scope read --person WHO --mandate REFERENCE --purpose WHY`."


class TokenExists(Rejection):
    """A token of this name or certificate exists, or there are too many."""

    code = "TOKEN_EXISTS"
    remedy = "Choose another name, or revoke the token first."


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the home keeps of a token."""

    name: str
    """The operator's, of the client that uses it."""
    sha256: str
    """Of the secret, or of the client's certificate (DER)."""
    scopes: tuple[Scope, ...]
    created_ms: int
    expires_ms: int | None
    """None: when it is revoked."""
    person: str = ""
    """Who looks with it, by the name that the authority has for the person; empty: the node's own
    member, and whoever acts for it."""
    mandate: str = ""
    """Reference of the authority's mandate that the person looks under."""
    purpose: str = ""
    """Why the person looks."""
    certificate: bool = False
    """Whether a certificate shown in the TLS handshake stands for the secret. Certificates are
    public: sent as a secret one is worth nothing."""

    def allows(self, scope: Scope) -> bool:
        """Whether the token has a scope."""
        return scope in self.scopes


class Looking(msgspec.Struct, frozen=True):
    """A person who is to look under a mandate; empty: nobody does."""

    person: str = ""
    mandate: str = ""
    purpose: str = ""


NOBODY_LOOKS: Final = Looking()


class Tokens:
    """The tokens of a home. Changes of the file are seen at once: revoking needs no restart."""

    def __init__(self, home: Home) -> None:
        self._path = home.path / "tokens.json"
        own = hashlib.sha256(home.token().encode()).hexdigest()
        self._own = Token(
            name="api.token", sha256=own, scopes=tuple(Scope), created_ms=0, expires_ms=None
        )
        self._read: tuple[tuple[int, int, int], list[Token]] | None = None

    def all(self) -> list[Token]:
        """The tokens made by `create`, oldest first; raises `HomeIncomplete`."""
        try:
            at = self._path.stat()
        except FileNotFoundError:
            return []
        stamp = (at.st_mtime_ns, at.st_ino, at.st_size)
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, _load(self._path))
        return self._read[1]

    def find(self, secret: str, now_ms: int) -> Token | None:
        """The token with this secret, unless it is expired."""
        return self._find(secret.encode("utf-8", "surrogatepass"), now_ms, certificate=False)

    def of_certificate(self, der: bytes, now_ms: int) -> Token | None:
        """The token of a client's certificate, unless it is expired."""
        return self._find(der, now_ms, certificate=True)

    def _find(self, shown: bytes, now_ms: int, *, certificate: bool) -> Token | None:
        digest = hashlib.sha256(shown).hexdigest()
        for token in (self._own, *self.all()):
            if token.certificate == certificate and hmac.compare_digest(token.sha256, digest):
                expired = token.expires_ms is not None and token.expires_ms <= now_ms
                return None if expired else token
        return None

    def create(
        self,
        name: str,
        scopes: tuple[Scope, ...],
        now_ms: int,
        expires_ms: int | None,
        looking: Looking = NOBODY_LOOKS,
    ) -> str:
        """The secret of a new token, which is nowhere kept; raises `TokenExists`,
        `PersonOnlyReads`."""
        secret = f"dcn_{secrets.token_urlsafe(32)}"
        digest = hashlib.sha256(secret.encode()).hexdigest()
        self._add(
            Token(
                name=name, sha256=digest, scopes=scopes, created_ms=now_ms, expires_ms=expires_ms,
                **msgspec.structs.asdict(looking),
            )
        )  # fmt: skip
        return secret

    def know_certificate(
        self,
        name: str,
        der: bytes,
        scopes: tuple[Scope, ...],
        now_ms: int,
        expires_ms: int | None,
        looking: Looking = NOBODY_LOOKS,
    ) -> str:
        """From now on this certificate has these scopes; its SHA-256. Raises as `create`."""
        digest = hashlib.sha256(der).hexdigest()
        self._add(
            Token(
                name=name, sha256=digest, scopes=scopes, created_ms=now_ms, expires_ms=expires_ms,
                certificate=True, **msgspec.structs.asdict(looking),
            )
        )  # fmt: skip
        return digest

    def _add(self, made: Token) -> None:
        looks = (made.person, made.mandate, made.purpose)
        if any(looks) and not (all(looks) and made.scopes == (Scope.READ,)):
            raise PersonOnlyReads(made.name)
        known = self.all()
        taken = any(one.name == made.name or one.sha256 == made.sha256 for one in known)
        if taken or made.name == self._own.name or len(known) >= TOKENS_MAX:
            raise TokenExists(made.name)
        self._write([*known, made])

    def revoke(self, name: str) -> None:
        """From now on the token is worth nothing; raises `NoSuchToken`."""
        known = self.all()
        rest = [token for token in known if token.name != name]
        if len(rest) == len(known):
            raise NoSuchToken(name)
        self._write(rest)

    def _write(self, tokens: list[Token]) -> None:
        content = json.dumps(msgspec.to_builtins(tokens), indent=2)
        replace_file(self._path, content.encode())


def _load(path: Path) -> list[Token]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Token])
    except (OSError, msgspec.MsgspecError) as error:
        raise HomeIncomplete(f"{path}: {error}") from None
