"""Genesis: what the network starts from, the same file, with the same hash, at every node."""

from ledger import bootstrap, listing, rulebook
from ledger import objects as o
from ledger import tables as t
from ledger.rejections import BadListing, BadRulebook, KeyTaken
from ledger.state import Draft, State
from wire import ids
from wire.codec import Digest, Record, digest_of
from wire.errors import EnvironmentFault
from wire.ids import Date, Lei
from wire.limits import (
    POWER_TOTAL_MAX,
    TEXT_CHARS_MAX,
    TIME_MS_MAX,
    VALIDATORS_MAX,
)
from wire.signing import key_is_acceptable


class BadGenesis(EnvironmentFault):
    """The genesis file contradicts itself."""

    code = "GENESIS_INVALID"
    remedy = "Get the genesis file that the network agreed on; compare its hash."


class GenesisKey(Record, frozen=True):
    """A signing key of a member and its role."""

    public_key: bytes
    role: o.KeyRole


class GenesisMember(Record, frozen=True):
    """A founding member, its keys, and the start of its seed chain if it is a validator."""

    lei: Lei
    name: str
    group: Lei
    roles: tuple[o.Role, ...]
    peer_key: bytes | None
    consensus_key: bytes | None
    power: int
    seed_link: bytes | None
    keys: tuple[GenesisKey, ...]


class Genesis(Record, frozen=True):
    """Everything that the first block stands on."""

    chain_id: str
    time_ms: int
    members: tuple[GenesisMember, ...]
    assets: tuple[o.AssetTerms, ...]
    instruments: tuple[o.Instrument, ...]
    feeds: tuple[o.Feed, ...]
    calendar: tuple[Date, ...]
    rulebook: o.Rulebook
    bootstrap: o.Bootstrap | None
    """A key that can take the first steps alone; None: there is no such key."""


def genesis_hash(genesis: Genesis) -> Digest:
    """SHA-256 of the canonical genesis; the first block's parent."""
    return digest_of(genesis)


def genesis_state(genesis: Genesis) -> State:
    """The state before block 1; raises `BadGenesis` or `BadIdentifier`."""
    _check(genesis)
    draft = Draft(State.empty())
    network = o.Network(
        chain_id=genesis.chain_id,
        height=0,
        time_ms=genesis.time_ms,
        business_date=None,
        calendar=(),
        opened=0,
        closed_date=None,
        rounds=0,
        proposals=0,
        recent_from=1,
    )
    draft.put(t.NETWORK, t.network_key(), network)
    for member in genesis.members:
        _add_member(draft, member)
    try:
        _list_everything(draft, genesis)
        rulebook.put_in_force(draft, genesis.rulebook, 0)
        if genesis.bootstrap is not None:
            bootstrap.found(draft, genesis.bootstrap)
    except (BadListing, BadRulebook, KeyTaken) as refused:
        raise BadGenesis(refused.detail) from None
    assert isinstance(draft.parent, State)
    return draft.parent.folded(draft)[0]


def _list_everything(draft: Draft, genesis: Genesis) -> None:
    for asset in genesis.assets:
        listing.add_asset(draft, asset)
    for feed in genesis.feeds:
        listing.add_feed(draft, feed)
    for instrument in genesis.instruments:
        listing.add_instrument(draft, instrument)
    if genesis.calendar:
        listing.extend_calendar(draft, genesis.calendar)


def _add_member(draft: Draft, member: GenesisMember) -> None:
    row = o.Member(
        member.lei,
        member.name,
        member.group,
        member.roles,
        o.MemberState.ACTIVE,
        member.peer_key,
        member.consensus_key,
        member.power,
        None,
        None,
        0,
        0,
    )
    draft.put(t.MEMBERS, t.MEMBERS.key(member.lei), row)
    for entry in member.keys:
        draft.put(
            t.KEYS, t.KEYS.key(entry.public_key), o.SigningKeyRow(member.lei, entry.role, 0, 0)
        )
    if member.peer_key is not None:
        peer = o.SigningKeyRow(member.lei, o.KeyRole.PEER, 0, 0)
        draft.put(t.KEYS, t.KEYS.key(member.peer_key), peer)
    if member.consensus_key is not None and member.seed_link is not None:
        votes = o.SigningKeyRow(member.lei, o.KeyRole.CONSENSUS, 0, 0)
        draft.put(t.KEYS, t.KEYS.key(member.consensus_key), votes)
        draft.put(t.SEEDS, t.SEEDS.key(member.consensus_key), o.SeedLink(member.seed_link))
        span = o.ConsensusKey(member.lei, 1, 0)
        draft.put(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(member.consensus_key), span)


def _check(genesis: Genesis) -> None:
    ids.chain_id(genesis.chain_id)
    _check_members(genesis.members)
    _require(0 <= genesis.time_ms <= TIME_MS_MAX, f"time {genesis.time_ms}")


def _check_members(members: tuple[GenesisMember, ...]) -> None:
    leis = {ids.lei(member.lei) for member in members}
    _require(len(leis) == len(members), "a member stands twice")
    validators = [member for member in members if o.Role.VALIDATOR in member.roles]
    _require(1 <= len(validators) <= VALIDATORS_MAX, f"{len(validators)} validators")
    for member in members:
        voting = member.consensus_key is not None and member.seed_link is not None
        is_validator = o.Role.VALIDATOR in member.roles
        _require(voting == is_validator, f"{member.lei}: validators and only they have vote keys")
        _require((member.power > 0) == is_validator, f"{member.lei}: power {member.power}")
        _require(
            all(entry.role < o.KeyRole.CONSENSUS for entry in member.keys),
            f"{member.lei}: consensus and peer keys have fields of their own",
        )
        _require(len(member.roles) == len(set(member.roles)), f"{member.lei}: a role twice")
        _require(len(member.name) <= TEXT_CHARS_MAX, f"{member.lei}: the name is too long")
        ids.lei(member.group)
    total = sum(member.power for member in members)
    _require(total <= POWER_TOTAL_MAX, "voting power is out of range")
    keys = [entry.public_key for member in members for entry in member.keys]
    keys += [member.consensus_key for member in members if member.consensus_key is not None]
    keys += [member.peer_key for member in members if member.peer_key is not None]
    _require(len(keys) == len(set(keys)), "a key stands twice")
    _require(all(map(key_is_acceptable, keys)), "a key is no acceptable Ed25519 key")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise BadGenesis(what)
