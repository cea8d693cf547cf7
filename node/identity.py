"""The public half of a home: what a network needs to know of a node to let it in."""

from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.actions import ApplyMembership, MemberKey
from ledger.objects import KeyRole, Role
from node.core.seedchain import SeedChain
from node.founding import key_roles
from node.home import Home, Keys
from node.network.peer_id import peer_id_of
from wire import ids
from wire.errors import EnvironmentFault
from wire.signing import SigningKey

ROLES: Final[dict[str, tuple[Role, ...]]] = {
    "member": (Role.MEMBER, Role.VALIDATOR),
    "observer": (Role.REGULATOR,),
}
"""What a node is founded as: members vote, observers follow."""


class PublicKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The public keys of one legal entity, in hex; what `dcn keys show --json` prints."""

    lei: str
    name: str
    roles: tuple[str, ...]
    peer_id: str | None = None
    """libp2p's name for `peer_key`; for people."""
    peer_key: str | None = None
    consensus_key: str | None = None
    seed_link: str | None = None
    """The end of the validator's hash chain, which its blocks reveal link by link."""
    keys: dict[str, str]
    """Signing key by role: trade, treasury, governance, oracle."""


class BadIdentityFile(EnvironmentFault):
    """A file of public keys cannot be read."""

    code = "IDENTITY_INVALID"
    remedy = "Make it anew on its owner's machine: `dcn keys show --home HOME --json > FILE`."


def public_keys(lei: str, name: str, roles: tuple[Role, ...], keys: Keys) -> PublicKeys:
    """The public half of `keys`. A validator's costs the hashes of its seed chain, 0.3 s."""
    votes = Role.VALIDATOR in roles
    peer = keys.signing("peer").public
    return PublicKeys(
        lei=lei,
        name=name,
        roles=tuple(role.name for role in roles),
        peer_id=peer_id_of(peer),
        peer_key=peer.hex(),
        consensus_key=keys.consensus_key.hex() if votes else None,
        seed_link=SeedChain(keys.seed_chain).anchor.hex() if votes else None,
        keys={
            KeyRole(role).name.lower(): keys.signing(purpose).public.hex()
            for purpose, role in key_roles(roles)
        },
    )


def public_keys_of(home: Home) -> PublicKeys:
    """The public half of a home, with the name and role it was made for."""
    noted = _noted(home)
    return public_keys(home.config().lei, noted["name"], ROLES[noted["role"]], home.keys())


def note(home: Home, name: str, role: str) -> None:
    """Remember in a new home what it was made for."""
    noted = {"name": name, "role": role}
    (home.path / "identity.json").write_bytes(msgspec.json.encode(noted) + b"\n")


def application(
    home: Home, group: str, contribution: int
) -> tuple[ApplyMembership, tuple[SigningKey, ...]]:
    """The home's application for membership, and the keys that must sign it.

    `contribution`: what it commits itself to pay into the default fund, minor units.
    """
    noted = _noted(home)
    lei, keys = home.config().lei, home.keys()
    votes = noted["role"] == "member"
    role = Role.MEMBER if votes else Role.REGULATOR
    purposes = key_roles((role,))
    if votes:
        purposes.append(("consensus", KeyRole.CONSENSUS))
    purposes.append(("peer", KeyRole.PEER))
    purposes.sort(key=lambda entry: entry[1])
    held = tuple(keys.signing(purpose) for purpose, _ in purposes)
    action = ApplyMembership(
        lei=ids.lei(lei),
        name=noted["name"],
        group=ids.lei(group or lei),
        roles=(role,),
        keys=tuple(
            MemberKey(key.public, what) for key, (_, what) in zip(held, purposes, strict=True)
        ),
        seed_link=SeedChain(keys.seed_chain).anchor if votes else b"",
        contribution=contribution,
    )
    return action, held


def role_of(home: Home) -> str:
    """`member` or `observer`: what the home was made for."""
    return _noted(home)["role"]


def _noted(home: Home) -> dict[str, str]:
    """A home without the note was founded with its network: genesis has name and role."""
    try:
        return msgspec.json.decode((home.path / "identity.json").read_bytes(), type=dict[str, str])
    except (OSError, ValueError):
        lei = home.config().lei
        known = [member for member in home.genesis().members if member.lei == lei]
        name = known[0].name if known else lei
        member = not known or Role.MEMBER in known[0].roles
        return {"name": name, "role": "member" if member else "observer"}


def read_public_keys(path: Path) -> PublicKeys:
    """The public keys in a file; raises `BadIdentityFile`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PublicKeys)
    except OSError as error:
        raise BadIdentityFile(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadIdentityFile(f"{path}: {error}") from None


def as_json(keys: PublicKeys) -> dict[str, Any]:
    """As plain JSON values."""
    found: dict[str, Any] = msgspec.to_builtins(keys)
    return found
