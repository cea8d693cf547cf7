"""Members, their keys, and what consensus knows of them."""

from ledger.objects.enums import KeyRole, MemberState, Role
from wire.codec import Record
from wire.ids import Lei


class Member(Record, frozen=True):
    """A legal entity and its identities on the network."""

    lei: Lei
    name: str
    group: Lei
    """LEI of the ultimate parent; its own if it has none."""
    roles: tuple[Role, ...]
    state: MemberState
    peer_key: bytes | None
    """Ed25519 key of its node's peer identity."""
    consensus_key: bytes | None
    """Ed25519 key of its votes; validators only."""
    power: int
    """Voting power; zero for all but validators."""


class SigningKeyRow(Record, frozen=True):
    """Who a signing key belongs to and what it may sign."""

    member: Lei
    role: KeyRole
    retired: int
    """Height of the block that replaced it; 0 while it is in use. The row stays: a key has one
    owner for ever."""


class Nonce(Record, frozen=True):
    """A nonce in use; forgotten after `valid_until`."""

    valid_until: int


class SeedLink(Record, frozen=True):
    """The last revealed link of a validator's SHA-256 hash chain (the seed of netting ties)."""

    link: bytes
