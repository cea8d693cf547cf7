"""Members, their keys, and what consensus knows of them."""

from ledger.objects.enums import KeyRole, MemberState, Role, Standing
from wire.codec import Record
from wire.ids import Date, Lei


class Kyc(Record, frozen=True):
    """Who vouches for knowing a member, and where it stands on the white list.

    The file itself stays with the attestor; the ledger has its hash.
    """

    attestor: Lei | None
    """None: nobody yet; the member is one of the founders."""
    file_hash: bytes
    expires: Date | None
    """The last business date it is good for; None: it has none."""
    standing: Standing
    cure_left: int
    """Business dates left of the cure window, while CURING."""
    objections: tuple[Lei, ...]
    """Attestors and authorities that have revoked, ascending; each takes back its own."""


class Capital(Record, frozen=True):
    """What capital an attestor has found a member to have."""

    attestor: Lei
    amount: int
    """In minor units of the rulebook's currency."""
    file_hash: bytes
    as_of: Date


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
    kyc: Kyc | None
    """None: on the white list since the genesis, which everybody has agreed to."""
    capital: Capital | None
    contribution: int
    """What it has committed itself to pay into the default fund, at least."""
    leaves_from: int
    """RESIGNING: the first height at which it may exit, its cooling-off over; else 0."""


class SigningKeyRow(Record, frozen=True):
    """Who a signing key belongs to and what it may sign."""

    member: Lei
    role: KeyRole
    retired: int
    """Height of the block that replaced it; 0 while it is in use. The row stays: a key has one
    owner for ever."""
    im_from: int
    """Height from which it signs for initial margin: a key that votes have recovered waits, and
    whatever it is exchanged for. -1: an owner or the authority has said no."""


class Nonce(Record, frozen=True):
    """A nonce in use; forgotten after `valid_until`."""

    valid_until: int


class SeedLink(Record, frozen=True):
    """The last revealed link of a validator's SHA-256 hash chain (the seed of netting ties)."""

    link: bytes


class ClientAccount(Record, frozen=True):
    """A client of a member, kept apart from its house; the key is (member, reference)."""

    name_hash: bytes
    """SHA-256 of who the client is: its member knows, the network need not."""
    opened: int
    """Height of the block that opened it."""
