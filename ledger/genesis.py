"""Genesis: what the network starts from, the same file, with the same hash, at every node."""

from collections.abc import Container

from ledger import objects as o
from ledger import tables as t
from ledger.rulebook import fault_of
from ledger.state import Draft, State
from wire import ids
from wire.codec import Digest, Record, digest_of
from wire.errors import EnvironmentFault
from wire.ids import AssetCode, Date, Lei
from wire.limits import (
    AMOUNT_MAX,
    POWER_TOTAL_MAX,
    PRICE_MAX,
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


class GenesisAsset(Record, frozen=True):
    """A settlement token; nothing of it exists before its issuer mints."""

    code: AssetCode
    kind: o.AssetKind
    issuer: Lei
    exponent: int


class Genesis(Record, frozen=True):
    """Everything that the first block stands on."""

    chain_id: str
    time_ms: int
    members: tuple[GenesisMember, ...]
    assets: tuple[GenesisAsset, ...]
    instruments: tuple[o.Instrument, ...]
    feeds: tuple[o.Feed, ...]
    calendar: tuple[Date, ...]
    rulebook: o.Rulebook


def genesis_hash(genesis: Genesis) -> Digest:
    """SHA-256 of the canonical genesis; the first block's parent."""
    return digest_of(genesis)


def genesis_state(genesis: Genesis) -> State:
    """The state before block 1; raises `BadGenesis` or `BadIdentifier`."""
    _check(genesis)
    draft = Draft(State.empty())
    first = genesis.calendar[0] if genesis.calendar else None
    network = o.Network(
        chain_id=genesis.chain_id,
        height=0,
        time_ms=genesis.time_ms,
        business_date=first,
        calendar=genesis.calendar,
        opened=0,
        closed_date=None,
        rounds=0,
        proposals=0,
        recent_from=1,
    )
    draft.put(t.NETWORK, t.network_key(), network)
    draft.put(t.RULEBOOK, t.rulebook_key(), genesis.rulebook)
    for member in genesis.members:
        _add_member(draft, member)
    for asset in genesis.assets:
        row = o.Asset(asset.code, asset.kind, asset.issuer, asset.exponent, 0, 0)
        draft.put(t.ASSETS, t.ASSETS.key(asset.code), row)
    for instrument in genesis.instruments:
        draft.put(t.INSTRUMENTS, t.INSTRUMENTS.key(instrument.code), instrument)
    for feed in genesis.feeds:
        draft.put(t.FEEDS, t.FEEDS.key(feed.code), feed)
    assert isinstance(draft.parent, State)
    return draft.parent.folded(draft)[0]


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
    )
    draft.put(t.MEMBERS, t.MEMBERS.key(member.lei), row)
    for entry in member.keys:
        draft.put(t.KEYS, t.KEYS.key(entry.public_key), o.SigningKeyRow(member.lei, entry.role, 0))
    if member.peer_key is not None:
        peer = o.SigningKeyRow(member.lei, o.KeyRole.PEER, 0)
        draft.put(t.KEYS, t.KEYS.key(member.peer_key), peer)
    if member.consensus_key is not None and member.seed_link is not None:
        votes = o.SigningKeyRow(member.lei, o.KeyRole.CONSENSUS, 0)
        draft.put(t.KEYS, t.KEYS.key(member.consensus_key), votes)
        draft.put(t.SEEDS, t.SEEDS.key(member.consensus_key), o.SeedLink(member.seed_link))
        span = o.ConsensusKey(member.lei, 1, 0)
        draft.put(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(member.consensus_key), span)


def _check(genesis: Genesis) -> None:
    ids.chain_id(genesis.chain_id)
    _check_members(genesis.members)
    _require(0 <= genesis.time_ms <= TIME_MS_MAX, f"time {genesis.time_ms}")
    assets = {asset.code for asset in genesis.assets}
    issuers = {member.lei for member in genesis.members if o.Role.ISSUER in member.roles}
    scales = {feed.code: feed.scale for feed in genesis.feeds}
    _require(len(assets) == len(genesis.assets), "an asset stands twice")
    _require(len(scales) == len(genesis.feeds), "a feed stands twice")
    for asset in genesis.assets:
        ids.code(asset.code)
        _require(asset.issuer in issuers, f"issuer of {asset.code} is none")
        _require(0 <= asset.exponent <= 8, f"exponent of {asset.code} is {asset.exponent}")
    for instrument in genesis.instruments:
        ids.code(instrument.code)
        ids.date(instrument.maturity)
        _require(instrument.feed in scales, f"{instrument.code} has no feed")
        _require(
            instrument.price_scale == scales[instrument.feed],
            f"prices and marks of {instrument.code} have two scales",
        )
        _require(instrument.currency in assets, f"{instrument.code} has no currency")
        _require(instrument.price_scale > 0, f"scale of {instrument.code} is not positive")
        _check_schedule(instrument, assets, scales)
    for feed in genesis.feeds:
        ids.code(feed.code)
        _require(0 < feed.value_max <= PRICE_MAX, f"value_max of {feed.code}")
        _require(-feed.value_max <= feed.value_min <= feed.value_max, f"value_min of {feed.code}")
        _require(0 <= feed.jump_bps <= AMOUNT_MAX, f"jump limit of {feed.code}")
        _require(0 < feed.scale <= AMOUNT_MAX, f"scale of {feed.code} is not positive")
    codes = {instrument.code for instrument in genesis.instruments}
    _require(len(codes) == len(genesis.instruments), "an instrument stands twice")
    _require(
        list(genesis.calendar) == sorted(set(genesis.calendar)), "the calendar is not ascending"
    )
    for date in genesis.calendar:
        ids.date(date)
    fault = fault_of(genesis.rulebook, assets)
    _require(fault is None, f"the rulebook: {fault}")


def _check_schedule(
    instrument: o.Instrument, assets: set[AssetCode], feeds: Container[str]
) -> None:
    code, delivery = instrument.code, instrument.delivery
    if delivery is not None:
        _require(delivery.asset in assets, f"{code} delivers what is no asset")
        _require(delivery.asset != instrument.currency, f"{code} delivers its own currency")
        _require(0 < delivery.per_unit <= AMOUNT_MAX, f"{code} delivers nothing")
    dates = [coupon.date for coupon in instrument.coupons]
    _require(dates == sorted(dates), f"the coupons of {code} are not ascending")
    for coupon in instrument.coupons:
        ids.date(coupon.date)
        if isinstance(coupon, o.FixedCoupon):
            _require(0 < coupon.amount <= PRICE_MAX, f"a coupon of {code}")
            continue
        ids.date(coupon.fixing_date)
        _require(coupon.fixing in feeds, f"a coupon of {code} has no fixing feed")
        _require(coupon.fixing_date <= coupon.date, f"a coupon of {code} is fixed too late")
        _require(abs(coupon.spread) <= PRICE_MAX, f"the spread of a coupon of {code}")
        _require(0 < coupon.days <= 3_660, f"the days of a coupon of {code}")
        _require(coupon.day_basis in (360, 365), f"the day basis of a coupon of {code}")


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
            all(entry.role not in (o.KeyRole.CONSENSUS, o.KeyRole.PEER) for entry in member.keys),
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
