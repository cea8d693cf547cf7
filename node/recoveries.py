"""Recoveries as files: drafted from a home's store, signed, and kept where the node looks.

One file is one `SignedRecovery`, in the bytes of the wire. A node takes part in those that its
operator has put into `recoveries/` of its home, and in no other.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from consensus.signer import SignerState, decode_state
from ledger import checks
from ledger import recovery as rules
from ledger import tables as t
from ledger.recovery import RecoveredValidator, Recovery, SignedRecovery
from ledger.rejections import BadRecovery
from ledger.state import Draft
from node.core.chain import Tip
from node.files import replace_file
from node.home import Home
from node.identity import read_public_keys
from wire.codec import decode, digest_of, encode
from wire.errors import CodedError, EnvironmentFault
from wire.ids import Lei
from wire.limits import BLOCK_BYTES_MAX, POWER_TOTAL_MAX
from wire.signing import Verified

SUFFIX = ".dcn"


class RecoveryFileUnusable(EnvironmentFault):
    """A file is no recovery, was altered, or contradicts another one in the home."""

    code = "RECOVERY_FILE_UNUSABLE"
    remedy = "Get the file anew from whoever drafted it; compare `dcn recover show` by telephone."


class Entry(msgspec.Struct, frozen=True):
    """A validator as the draft names it."""

    lei: Lei
    power: int | None = None
    """None: what it has on the ledger."""
    keys_file: Path | None = None
    """Public keys of a home with a new consensus key; None: the key on the ledger."""


def read_recovery(path: Path) -> Verified[SignedRecovery]:
    """The recovery in a file, its signatures checked; raises `RecoveryFileUnusable`."""
    try:
        data = path.read_bytes()
        return rules.verified(decode(data, SignedRecovery, BLOCK_BYTES_MAX))
    except OSError as error:
        raise RecoveryFileUnusable(f"{path}: {error.strerror}") from None
    except CodedError as error:
        raise RecoveryFileUnusable(f"{path}: {error}") from None


def recovery_bytes(signed: SignedRecovery) -> bytes:
    """The file's content."""
    return encode(signed)


def agreed_to(home: Home) -> tuple[Verified[SignedRecovery], ...]:
    """All recoveries in the home, oldest first; raises `RecoveryFileUnusable`."""
    found = [read_recovery(path) for path in sorted(home.recoveries.glob(f"*{SUFFIX}"))]
    return tuple(sorted(found, key=lambda one: one.value.recovery.height))


def agree(home: Home, signed: SignedRecovery) -> Path:
    """Put a recovery into the home; raises `RecoveryFileUnusable` if there is another one."""
    recovery = signed.recovery
    for one in agreed_to(home):
        other = one.value.recovery
        if other.height == recovery.height and other != recovery:
            raise RecoveryFileUnusable(
                f"the home has {digest_of(other).hex()[:16]} for height {other.height} already"
            )
    home.recoveries.mkdir(exist_ok=True)
    path = home.recoveries / f"{recovery.height:012d}{SUFFIX}"
    replace_file(path, recovery_bytes(signed), 0o644)
    return path


def merged(first: SignedRecovery, others: Sequence[SignedRecovery]) -> SignedRecovery:
    """One file with everybody's signatures; raises `RecoveryFileUnusable` for another recovery."""
    have = {entry.key: entry for entry in first.signatures}
    for other in others:
        if other.recovery != first.recovery:
            digest = digest_of(other.recovery).hex()[:16]
            raise RecoveryFileUnusable(f"{digest} is another recovery")
        have |= {entry.key: entry for entry in other.signatures}
    return SignedRecovery(first.recovery, tuple(have[key] for key in sorted(have)))


def last_round_signed(home: Home, signer_state: Path | None, height: int) -> int | None:
    """The last round that the home's key has signed at `height`; None: none, or not known here.

    `signer_state`: of a signer in a process of its own. Raises `BadSignerState`.
    """
    path = signer_state or home.signer_state
    if not path.exists():
        return None
    state: SignerState = decode_state(
        path.read_bytes(), home.genesis().chain_id, home.keys().consensus_key
    )
    last = state.last
    return None if last is None or last.height != height else last.round


def draft(tip: Tip, entries: Sequence[Entry], first_round: int, reason: str) -> Recovery:
    """The recovery that continues from `tip`; raises `BadRecovery`, `BadIdentityFile`.

    What the ledger would refuse, signatures apart, is refused here.
    """
    state = Draft(tip.state)
    named = sorted(entries, key=lambda entry: entry.lei)
    found = tuple(_validator(entry, state) for entry in named)
    recovery = Recovery(tip.chain_id, tip.height, tip.block_id, first_round, found, reason)
    try:
        decode(encode(recovery), Recovery, BLOCK_BYTES_MAX)
    except CodedError as error:
        raise BadRecovery(error.detail) from None
    rules.check_unsigned(tip.state, recovery)
    return recovery


def _validator(entry: Entry, state: Draft) -> RecoveredValidator:
    member = checks.active_member(state, entry.lei)
    power = member.power if entry.power is None else entry.power
    if not 1 <= power <= POWER_TOTAL_MAX:
        raise BadRecovery(f"{entry.lei} has no power on the ledger: name one, LEI:POWER")
    if entry.keys_file is not None:
        keys = read_public_keys(entry.keys_file)
        if keys.lei != entry.lei or keys.consensus_key is None or keys.seed_link is None:
            raise BadRecovery(f"{entry.keys_file} is not a validator's of {entry.lei}")
        public, link = bytes.fromhex(keys.consensus_key), bytes.fromhex(keys.seed_link)
        return RecoveredValidator(entry.lei, public, power, link)
    if member.consensus_key is None:
        raise BadRecovery(f"{entry.lei} has no consensus key on the ledger: LEI:POWER:KEYSFILE")
    seed = state.must(t.SEEDS, t.SEEDS.key(member.consensus_key))
    return RecoveredValidator(entry.lei, member.consensus_key, power, seed.link)
