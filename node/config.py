"""A node's configuration: one TOML file, environment overrides, unknown keys are errors."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from consensus.timeouts import DEFAULT_TIMEOUTS, TimeoutParameters
from node.config_lines import line_of
from node.light.errors import BadHeaderName
from node.light.root import NamedHeader, named_header
from node.messages import SNAPSHOTS_OFFERED_MAX
from wire.errors import EnvironmentFault
from wire.money import BPS


class BadConfig(EnvironmentFault):
    """The configuration file or an environment override is not valid."""

    code = "CONFIG_INVALID"
    remedy = "Correct the key named; `dcn config validate` checks the file."


class ApiNeedsTls(BadConfig):
    """Off the loopback the API is served with TLS only: it carries tokens."""

    code = "API_NEEDS_TLS"
    remedy = "Set `api.tls_cert` and `api.tls_key`, or `api.host` to 127.0.0.1."


SIGNING_ROLES: Final = ("trade", "treasury", "governance")
AMOUNT_RULES: Final = (
    "limit_trade", "limit_treasury", "two_above_trade", "two_above_treasury", "daily_trade",
    "daily_treasury",
)  # fmt: skip
OWN: Final = "own"
EVERYTHING: Final = "everything"
VERSION: Final = re.compile(r"\d{1,5}(\.\d{1,5}){2}")
MISSING_BLOCKS_MAX: Final = 10_000
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""What stands for all addresses of a machine, and by which of them it reaches itself."""


class NetworkSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where this node listens, and where its peers are."""

    listen: str
    """Multiaddr, e.g. `/ip4/127.0.0.1/tcp/7001`."""
    peers: dict[str, str]
    """LEI of a member or observer to its node's multiaddr; only they are let in."""


class ApiSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The HTTP API."""

    host: str = "127.0.0.1"
    """An address off the loopback needs `tls_cert` and `tls_key`."""
    port: int = 8001
    tls_cert: str = ""
    """PEM with the server's certificate and its chain, relative to the home; with `tls_key`."""
    tls_key: str = ""
    client_ca: str = ""
    """PEM of the authorities whose certificates clients must show (mutual TLS); empty: none."""
    client_cert: str = ""
    """PEM that this home's own commands show, where `client_ca` asks for one; with `client_key`."""
    client_key: str = ""
    requests_per_s: int = 500
    """Of each client, that is of each token; twice as many in a burst."""
    streams_per_client: int = 20
    """Of events and of blocks, at a time; all clients together have 100 of either."""
    shows: str = "own"
    """What tokens without a mandate see: `own`, the node's own member's business and what is
    public; `everything`, at a node that is no trading member's, for who may see its whole store,
    as an observer's operator. People of an authority look by tokens under its mandates."""
    page: bool = True
    """Whether the observer's views and its page are served, from a store that follows the blocks
    with a little of the node's time and memory."""


class ConsensusSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Pace and patience. All validators should have the same: whose turn it is and who proposes
    later than the others wait loses it, and the block comes a round later."""

    block_interval_ms: int = 200
    """The least time between the beginnings of two heights."""
    empty_block_ms: int = 5_000
    """With nothing to decide, a block is made this seldom."""
    propose_ms: int = DEFAULT_TIMEOUTS.propose_ms
    propose_delta_ms: int = DEFAULT_TIMEOUTS.propose_delta_ms
    vote_ms: int = DEFAULT_TIMEOUTS.prevote_ms
    vote_delta_ms: int = DEFAULT_TIMEOUTS.prevote_delta_ms
    cap_ms: int = DEFAULT_TIMEOUTS.cap_ms

    def timeouts(self) -> TimeoutParameters:
        """As the consensus core takes them."""
        return TimeoutParameters(
            propose_ms=self.propose_ms,
            propose_delta_ms=self.propose_delta_ms,
            prevote_ms=self.vote_ms,
            prevote_delta_ms=self.vote_delta_ms,
            precommit_ms=self.vote_ms,
            precommit_delta_ms=self.vote_delta_ms,
            cap_ms=self.cap_ms,
            wait_when_complete=False,
        )


class TradesSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Submission and affirmation."""

    blotter: str = ""
    """CSV of this member's own book, loaded at start; empty: only what operators enter."""
    flush_ms: int = 20
    """Submissions collect for so long before they are gossiped together."""
    valid_heights: int = 2_000
    """How many blocks ahead the trades this node signs stay valid."""


class StoreSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the store keeps, and when it is filled from a peer's snapshot."""

    snapshot_every: int = 1_000
    """A snapshot of the state is taken at every height divisible by this; 0: never. Nodes that
    take them at the same heights can fill a newcomer together."""
    snapshots_kept: int = 2
    """Older ones are dropped. Each has the size of the state."""
    retain_blocks: int = 0
    """Older blocks are pruned, up to the oldest kept snapshot; 0: all are kept."""
    state_sync_behind: int = 10_000
    """So many blocks behind a peer's snapshot, the node takes that instead of the blocks, as it
    does when no peer keeps the next block; 0: it never takes one."""
    trust: str = ""
    """A header `HEIGHT:ID` that the operator has from another member. The node takes no chain that
    has another block there: who left the network long ago can forge none for it."""

    def checkpoint(self) -> NamedHeader | None:
        """The trusted header, if one is named; raises `BadHeaderName`."""
        return named_header(self.trust) if self.trust else None


class SignerSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the consensus key is, if not in this home."""

    address: str = ""
    """`unix:/path` or `tls://host:port` of a `dcn signer run`; empty: the key is in keys.json."""
    certificates: str = ""
    """Folder made by `dcn signer certs`, relative to the home; for tls."""


class PolicySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the keystore signs when a client of the API asks (node/policy.py).

    Amounts are minor units by asset, of trades the notional. An empty table is no rule; in one
    that is not, an asset that is not named has 0.
    """

    sign: tuple[str, ...] = ()
    """Roles of the keys that sign what is sent to /v1/sign: trade, treasury, governance."""
    limit_trade: dict[str, int] = {}
    """The most that one request may be for; binds /v1/trades and /v1/blotter too."""
    limit_treasury: dict[str, int] = {}
    two_above_trade: dict[str, int] = {}
    """Above this a second client must approve; binds /v1/trades and /v1/blotter too."""
    two_above_treasury: dict[str, int] = {}
    """What has no amount needs two where the role has a rule; what governance signs, always."""
    daily_trade: dict[str, int] = {}
    """The most that is signed on one day (UTC, of the ledger's time), all requests together; binds
    /v1/trades and /v1/blotter too."""
    daily_treasury: dict[str, int] = {}
    approval_minutes: int = 60
    """How long a request waits for the second client."""


class UpgradeSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The upgrade that the members have agreed on (`node.upgrade`, docs/OPERATIONS.md)."""

    height: int = 0
    """The last block that the versions before `version` decide: after it they stop. 0: none."""
    version: str = ""
    """The version that goes on after that block, e.g. `0.2.0`; later ones do too."""


class AlertsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From when on the observer's alerts are open (node/observer/alerts); of each 0: never.

    Another value holds from the next block on; what was opened by the old one closes by the new.
    """

    late_blocks: int = 1
    """A margin call that its payer failed, so many blocks after the block it was due in."""
    limit_bps: int = 9_000
    """Open notional with a counterparty, of the limit that the member has set on the ledger."""
    concentration_bps: int = 7_500
    """Largest counterparty's share of a member's notional, at the close of a date."""
    missing_blocks: int = 50
    """So many commits in a row without the precommit of a validator."""
    marks_bps: int = 500
    """An oracle's mark of a closed date, off the mark that holds."""


class LogSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Structured logs on standard error."""

    level: str = "info"
    format: str = "json"
    """`json` for machines, `console` for people."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a node is told besides its keys and the genesis."""

    lei: str
    """The member or observer that runs this node."""
    network: NetworkSection
    api: ApiSection = ApiSection()
    consensus: ConsensusSection = ConsensusSection()
    trades: TradesSection = TradesSection()
    store: StoreSection = StoreSection()
    signer: SignerSection = SignerSection()
    policy: PolicySection = PolicySection()
    upgrade: UpgradeSection = UpgradeSection()
    alerts: AlertsSection = AlertsSection()
    log: LogSection = LogSection()


def load_config(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """The configuration at `path`, `DCN_<SECTION>_<KEY>` overriding it. Raises `BadConfig`."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadConfig(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfig(f"{path}: {error}") from None
    variables = os.environ if environment is None else environment
    _override(raw, variables)
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise BadConfig(f"{_place(path, _key_of(str(error)), variables)}: {error}") from None
    for key, wrong in _wrong(config):
        raise BadConfig(f"{_place(path, key, variables)}: {key} {wrong}")
    if config.api.host not in LOOPBACK and not config.api.tls_cert:
        where = _place(path, "api.host", variables)
        raise ApiNeedsTls(f"{where}: api.host is {config.api.host}, api.tls_cert is not set")
    return config


def place_of(path: Path, key: str) -> str:
    """Where `key` (`section.name`) is set: `FILE:LINE`, the environment variable, or the file."""
    return _place(path, key, os.environ)


def changed(config: Config, path: Path) -> list[tuple[str, Any, Any, str]]:
    """(key, default, value, where it is set) of every key that differs from its default."""
    defaults = Config(lei=config.lei, network=config.network)
    found = []
    for key in differing(defaults, config):
        section, name = key.split(".")
        usual, value = (getattr(getattr(one, section), name) for one in (defaults, config))
        found.append((key, usual, value, place_of(path, key)))
    return found


def differing(one: Config, other: Config) -> list[str]:
    """The keys (`section.name`, and `lei`) in which two configurations differ."""
    found = ["lei"] if one.lei != other.lei else []
    for section in msgspec.structs.fields(Config):
        if section.name != "lei":
            left, right = getattr(one, section.name), getattr(other, section.name)
            names = [field.name for field in msgspec.structs.fields(left)]
            found += [
                f"{section.name}.{name}"
                for name in names
                if getattr(left, name) != getattr(right, name)
            ]
    return found


def _place(path: Path, key: str, environment: Mapping[str, str]) -> str:
    variable = f"DCN_{key.replace('.', '_')}".upper()
    if variable in environment:
        return variable
    line = line_of(path.read_text(encoding="utf-8"), key)
    return str(path) if line is None else f"{path}:{line}"


def _key_of(error: str) -> str:
    """The key that a message of msgspec is about, as far as it says."""
    at = re.search(r"at `\$\.?([^`]*)`", error)
    unknown = re.search(r"unknown field `([^`]*)`", error)
    return ".".join(found[1] for found in (at, unknown) if found and found[1])


def _override(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    sections = {f.name: f.type for f in msgspec.structs.fields(Config) if f.name != "lei"}
    for section, kind in sections.items():
        for field in msgspec.structs.fields(kind):
            value = environment.get(f"DCN_{section}_{field.name}".upper())
            if value is None:
                continue
            if field.type is int:
                if not value.lstrip("-").isdecimal():
                    raise BadConfig(f"DCN_{section}_{field.name}".upper() + f" is {value!r}")
                raw.setdefault(section, {})[field.name] = int(value)
            elif field.type is str:
                raw.setdefault(section, {})[field.name] = value


def _wrong(config: Config) -> Iterator[tuple[str, str]]:
    """(key, what is wrong with it) of each value that its type allows and the node does not."""
    consensus = config.consensus
    positive = {
        "consensus.block_interval_ms": consensus.block_interval_ms,
        "consensus.empty_block_ms": consensus.empty_block_ms,
        "consensus.propose_ms": consensus.propose_ms,
        "consensus.vote_ms": consensus.vote_ms,
        "consensus.cap_ms": consensus.cap_ms,
        "trades.flush_ms": config.trades.flush_ms,
        "trades.valid_heights": config.trades.valid_heights,
    }
    for name, value in positive.items():
        if value <= 0:
            yield name, f"is {value}, must be positive"
    yield from _wrong_in_store(config.store)
    if not 0 < config.api.port < 65_536:
        yield "api.port", f"is {config.api.port}"
    yield from _wrong_in_api(config.api)
    yield from _wrong_in_policy(config.policy)
    yield from _wrong_in_upgrade(config.upgrade)
    yield from _wrong_in_alerts(config.alerts)
    if config.log.level not in ("debug", "info", "warning", "error"):
        yield "log.level", f"is {config.log.level!r}"
    if config.log.format not in ("json", "console"):
        yield "log.format", f"is {config.log.format!r}"


def _wrong_in_api(api: ApiSection) -> Iterator[tuple[str, str]]:
    if api.requests_per_s <= 0:
        yield "api.requests_per_s", f"is {api.requests_per_s}, must be positive"
    if api.streams_per_client <= 0:
        yield "api.streams_per_client", f"is {api.streams_per_client}, must be positive"
    for one, other in (("tls_cert", "tls_key"), ("client_cert", "client_key")):
        if bool(getattr(api, one)) != bool(getattr(api, other)):
            yield f"api.{one}", f"and api.{other} go together"
    if api.shows not in (OWN, EVERYTHING):
        yield "api.shows", f"is {api.shows!r}, {OWN} or {EVERYTHING}"
    if api.client_ca and not api.tls_cert:
        yield "api.client_ca", "needs api.tls_cert"


def _wrong_in_policy(policy: PolicySection) -> Iterator[tuple[str, str]]:
    for role in policy.sign:
        if role not in SIGNING_ROLES:
            yield "policy.sign", f"names {role!r}, one of {', '.join(SIGNING_ROLES)}"
    for name in AMOUNT_RULES:
        for asset, amount in getattr(policy, name).items():
            if amount < 0:
                yield f"policy.{name}", f"has {amount} for {asset}, must not be negative"
    if policy.approval_minutes <= 0:
        yield "policy.approval_minutes", f"is {policy.approval_minutes}, must be positive"


def _wrong_in_upgrade(upgrade: UpgradeSection) -> Iterator[tuple[str, str]]:
    if upgrade.height < 0:
        yield "upgrade.height", f"is {upgrade.height}, must not be negative"
    if bool(upgrade.height) != bool(upgrade.version):
        yield "upgrade.height", "and upgrade.version go together"
    if upgrade.version and VERSION.fullmatch(upgrade.version) is None:
        yield "upgrade.version", f"is {upgrade.version!r}, three numbers like 0.2.0 expected"


def _wrong_in_alerts(alerts: AlertsSection) -> Iterator[tuple[str, str]]:
    most = {"missing_blocks": MISSING_BLOCKS_MAX, "concentration_bps": BPS}
    for name in AlertsSection.__struct_fields__:
        value = getattr(alerts, name)
        if not 0 <= value <= most.get(name, value):
            yield f"alerts.{name}", f"is {value}, must be 0 to {most.get(name, 'any')}"


def _wrong_in_store(store: StoreSection) -> Iterator[tuple[str, str]]:
    for name in ("snapshot_every", "retain_blocks", "state_sync_behind"):
        if getattr(store, name) < 0:
            yield f"store.{name}", f"is {getattr(store, name)}, must not be negative"
    if not 1 <= store.snapshots_kept <= SNAPSHOTS_OFFERED_MAX:
        yield "store.snapshots_kept", f"is {store.snapshots_kept}"
    try:
        store.checkpoint()
    except BadHeaderName as error:
        yield "store.trust", f"is {error.detail}"
    if store.retain_blocks and not store.snapshot_every:
        yield "store.retain_blocks", "needs snapshots: set store.snapshot_every"
