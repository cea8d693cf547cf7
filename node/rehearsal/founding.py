"""The network that a script starts from: founded from a few lines, or a live node's state."""

import hashlib
from typing import Any, Final

import msgspec

from ledger import objects as o
from ledger.genesis import Genesis, GenesisKey, GenesisMember
from ledger.rulebook import standard
from node.compose import FeedEntry, InstrumentEntry, feed, instrument
from node.core.seedchain import SeedChain
from node.forms import Names, build
from node.founding import VALUE_MAX, key_roles
from node.plain import plain
from node.rehearsal.errors import BadScript
from node.rulebook_form import amended
from wire import ids
from wire.ids import AssetCode, Date, Lei
from wire.signing import SigningKey

SEED_LINKS: Final = 1 << 14
"""Blocks that a rehearsal can have."""

START_MS: Final = 1_700_000_000_000
BOOTSTRAP: Final = "BOOTSTRAP"
ISSUER: Final = "BANK"
ORACLES: Final = ("ORACLE1", "ORACLE2", "ORACLE3")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of the parts of `[network]`."""


class MemberPart(_Part, frozen=True):
    """A member; all but the name may be left out."""

    name: str
    group: str = ""
    """Name of the member that is its ultimate parent."""
    roles: tuple[str, ...] = ("MEMBER", "VALIDATOR")
    power: int = 1


class AssetPart(_Part, frozen=True):
    """A token; the issuer is `BANK` unless another member is named."""

    code: str
    issuer: str = ISSUER
    kind: str = "CASH"
    exponent: int = 2


class FeedPart(FeedEntry, frozen=True):
    """What oracles mark: as in a genesis, with two decimals."""

    scale: int = 100
    value_max: int = VALUE_MAX


class NetworkPart(_Part, frozen=True):
    """`[network]` of a script."""

    members: tuple[str | MemberPart, ...]
    currency: str = "USD"
    assets: tuple[AssetPart, ...] = ()
    feeds: tuple[FeedPart, ...] = ()
    instruments: tuple[InstrumentEntry, ...] = ()
    calendar: tuple[int, ...] = ()
    rulebook: dict[str, Any] = {}
    """Parameters that differ from the standard ones."""
    service: str = "EQUITY-FORWARD"
    bootstrap_until: int = 0
    """The last height at which the bootstrap key `BOOTSTRAP` can act; 0: there is none."""


def names_of(network: NetworkPart) -> Names:
    """Everybody's LEI, made from the name. `BANK` issues, three oracles mark."""
    written = [m if isinstance(m, str) else m.name for m in network.members]
    everybody = [*written, *(x for x in (ISSUER, *ORACLES) if x not in written)]
    if len(everybody) != len(set(everybody)):
        raise BadScript("network.members: a name stands twice")
    return Names({name: lei_of(name) for name in everybody})


def lei_of(name: str) -> Lei:
    """The LEI of a name: its letters and digits, filled up with zeros."""
    plain = "".join(c for c in name.upper() if c.isascii() and c.isalnum())
    if not 1 <= len(plain) <= 18:
        raise BadScript(f"name {name!r}: 1 to 18 letters and digits expected")
    return ids.lei_from(f"{plain:0<18}")


def found(network: NetworkPart, names: Names) -> Genesis:
    """The genesis of `[network]`; raises `BadScript`, `BadGenesis`."""
    members = [MemberPart(name=m) if isinstance(m, str) else m for m in network.members]
    written = {m.name for m in members}
    if ISSUER not in written:
        members.append(MemberPart(name=ISSUER, roles=("ISSUER",), power=0))
    members += [
        MemberPart(name=name, roles=("ORACLE",), power=0) for name in ORACLES if name not in written
    ]
    feeds = tuple(feed(entry) for entry in network.feeds)
    assets = network.assets or (AssetPart(code=network.currency),)
    rulebook = standard(network.service, AssetCode(network.currency), 1)
    return Genesis(
        chain_id="rehearsal",
        time_ms=START_MS,
        members=tuple(_member(m, names) for m in members),
        assets=tuple(
            o.AssetTerms(
                AssetCode(x.code),
                build(o.AssetKind, x.kind, names, "assets.kind"),
                names.lei(x.issuer),
                x.exponent,
            )
            for x in assets
        ),
        instruments=tuple(
            instrument(_with_lei(x, names), feeds, network.currency, network.service)
            for x in network.instruments
        ),
        feeds=feeds,
        calendar=tuple(Date(date) for date in network.calendar),
        rulebook=amended(plain(rulebook), named(network.rulebook, names), 1),
        bootstrap=_bootstrap(network),
    )


def named(rulebook: dict[str, Any], names: Names) -> dict[str, Any]:
    """Changes of a rulebook, whose members go by their names, with LEIs in their place."""
    default = dict(rulebook.get("default", {}))
    for seats in ("committee", "alternates"):
        if seats in default:
            default[seats] = [names.lei(str(name)) for name in default[seats]]
    if default.get("operator") not in (None, "none"):
        default["operator"] = names.lei(str(default["operator"]))
    return {**rulebook, "default": default} if default else rulebook


def _bootstrap(network: NetworkPart) -> o.Bootstrap | None:
    if not network.bootstrap_until:
        return None
    return o.Bootstrap(secret(BOOTSTRAP, "bootstrap").public, network.bootstrap_until, 0)


def _with_lei(entry: InstrumentEntry, names: Names) -> InstrumentEntry:
    if entry.issuer is None:
        return entry
    return msgspec.structs.replace(entry, issuer=names.lei(entry.issuer))


def _member(entry: MemberPart, names: Names) -> GenesisMember:
    lei = names.lei(entry.name)
    roles: list[o.Role] = [
        build(o.Role, role, names, f"members {entry.name}") for role in entry.roles
    ]
    votes = o.Role.VALIDATOR in roles
    return GenesisMember(
        lei=lei,
        name=entry.name,
        group=names.lei(entry.group or entry.name),
        roles=tuple(sorted(roles)),
        peer_key=secret(lei, "peer").public,
        consensus_key=secret(lei, "consensus").public if votes else None,
        power=entry.power if votes else 0,
        seed_link=seed_chain().anchor if votes else None,
        keys=tuple(GenesisKey(secret(lei, name).public, role) for name, role in key_roles(roles)),
    )


def secret(lei: str, purpose: str) -> SigningKey:
    """A key for rehearsals only: whoever knows the name knows it."""
    return SigningKey(hashlib.sha256(f"dcn/rehearsal/{lei}/{purpose}".encode()).digest())


def seed_chain() -> SeedChain:
    """The seed chain of whoever proposes in rehearsals."""
    return SeedChain(hashlib.sha256(b"dcn/rehearsal/seed").digest(), SEED_LINKS)
