"""Rotating a member's keys: the new one beside the old, then on the ledger, then in its place.

In this order nothing is lost by a crash: until the ledger names the new key the old one is in
force and in `keys.json`; afterwards the new one is in `keys.next.json` until it is adopted.
"""

import json
import secrets
from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from ledger.actions import RotateKey
from ledger.objects import KeyRole
from node.core.seedchain import SeedChain
from node.home import Home, HomeIncomplete
from node.signer import FileSigner
from wire.errors import Rejection
from wire.ids import Lei
from wire.signing import SigningKey

NEXT_FILE: Final = "keys.next.json"
ROTATED: Final = ("trade", "treasury", "governance", "peer", "consensus")
"""Keys of a home that can be rotated."""


class NothingToAdopt(Rejection):
    """The home has no new key, or the ledger does not name it yet."""

    code = "KEY_NOTHING_TO_ADOPT"
    remedy = "First `dcn keys rotate`, and wait until its transaction is decided."


class KeyNotInForce(Rejection):
    """The ledger names the new consensus key, but the old one signs the next height still."""

    code = "KEY_NOT_IN_FORCE"
    remedy = "Start the node with the old key, and adopt the new one a block later."


class KeyWithSigner(Rejection):
    """The consensus key is held by a signer in a process of its own."""

    code = "KEY_WITH_SIGNER"
    remedy = "Take the key back into a home, or make a new signer's directory with a new key."


class KeysWaiting(Rejection):
    """A rotation is under way: new keys wait beside those in use."""

    code = "KEY_ROTATION_UNDER_WAY"
    remedy = "Finish it with `dcn keys adopt`, then try again."


class NextKey(msgspec.Struct, frozen=True):
    """A key that waits beside the one in use; seeds of 32 bytes."""

    purpose: str
    seed: bytes
    seed_chain: bytes
    """Of a consensus key; else empty."""

    @property
    def key(self) -> SigningKey:
        """The key itself."""
        return SigningKey(self.seed)


def next_key(home: Home, purpose: str) -> NextKey:
    """The key that waits for `purpose`, made if there is none; durable before it is named."""
    waiting = waiting_keys(home)
    if purpose not in waiting:
        if purpose == "consensus" and home.keys().consensus is None:
            raise KeyWithSigner(str(home.path))
        chain = secrets.token_bytes(32) if purpose == "consensus" else b""
        waiting[purpose] = NextKey(purpose, secrets.token_bytes(32), chain)
        _write(home, waiting.values())
    return waiting[purpose]


def rotation(home: Home, lei: Lei, fresh: NextKey) -> tuple[RotateKey, tuple[SigningKey, ...]]:
    """The transaction that puts `fresh` on the ledger, and the keys that sign it."""
    keys = home.keys()
    seed = SeedChain(fresh.seed_chain).anchor if fresh.seed_chain else b""
    role = KeyRole[fresh.purpose.upper()]
    old = keys.signing(fresh.purpose).public
    action = RotateKey(lei, role, old, fresh.key.public, seed)
    return action, (keys.signing("governance"), fresh.key)


def adopt(home: Home, on_ledger: Collection[bytes], deciding: Collection[bytes]) -> list[str]:
    """Put the waiting keys that the ledger names into `keys.json`; what they are for.

    The node must not run. `deciding`: the consensus keys that sign the next height; while the old
    one is among them it must not be taken away, or a network that needs its vote waits for ever.
    The old signer's state is kept aside; the new key, which has signed nothing, starts with a
    state of its own. Raises `NothingToAdopt`, `KeyNotInForce`.
    """
    waiting = waiting_keys(home)
    named = [one for one in waiting.values() if one.key.public in on_ledger]
    if not named:
        raise NothingToAdopt(f"{home.path}: {', '.join(waiting) or 'no new key'}")
    keys = home.keys()
    for one in named:
        if one.purpose == "consensus" and keys.consensus_key in deciding:
            raise KeyNotInForce(f"{home.path}: {keys.consensus_key.hex()[:16]}")
    for one in named:
        if one.purpose == "consensus":
            chain_id = home.genesis().chain_id
            old = keys.consensus_key.hex()[:16]
            aside = home.signer_state.with_name(f"signer.{old}.state")
            if home.signer_state.exists() and not aside.exists():  # else it was interrupted here
                home.signer_state.rename(aside)
            FileSigner.create(home.signer_state, chain_id, one.key)
            keys = msgspec.structs.replace(keys, consensus=one.seed, seed_chain=one.seed_chain)
        else:
            keys = msgspec.structs.replace(keys, **{one.purpose: one.seed})
    home.write_keys(keys)
    _write(home, [one for one in waiting.values() if one not in named])
    return [one.purpose for one in named]


def require_none_waiting(home: Home) -> None:
    """Raise `KeysWaiting` while new keys wait: both files must have one passphrase."""
    if waiting := waiting_keys(home):
        raise KeysWaiting(", ".join(waiting))


def waiting_keys(home: Home) -> dict[str, NextKey]:
    """The new keys of a home by purpose, that are not adopted yet. Raises as `Home.keys`."""
    path = home.path / NEXT_FILE
    if not path.exists():
        return {}
    try:
        raw = json.loads(home.read_secrets(path))
        return {
            purpose: NextKey(purpose, bytes.fromhex(seed), bytes.fromhex(chain))
            for purpose, (seed, chain) in raw.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise HomeIncomplete(f"{path}: {error!r}") from None


def _write(home: Home, waiting: Iterable[NextKey]) -> None:
    content = {one.purpose: (one.seed.hex(), one.seed_chain.hex()) for one in waiting}
    home.write_secrets(home.path / NEXT_FILE, json.dumps(content, indent=2).encode())
