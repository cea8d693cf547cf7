"""The examination of a node's home and surroundings: each check finds nothing, or coded errors.

Checks do not depend on a running node; where one runs, its own status is asked too. Nothing is
changed and no secret is shown. Order: what explains the rest comes first.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from ledger.genesis import genesis_hash
from ledger.objects import MemberState
from node.audit.reading import StoreReading, quick_check, read_store
from node.config import Config
from node.founding import key_roles
from node.home import Home, HomeIncomplete, Keys
from node.lock import is_held
from node.operations.findings import KeysNotOnLedger, SecretExposed
from node.operations.surroundings import (
    check_clock,
    check_disk,
    check_peers,
    check_ports,
    check_remote_signer,
    check_signer,
)
from node.passphrase import PassphraseMissing
from node.precheck import check_home
from node.startup import honour_mark
from node.storage.errors import StoreMissing, StoreOfAnotherChain
from wire.errors import CodedError
from wire.version import PROTOCOL_VERSION, SOFTWARE_VERSION, STORE_VERSION

Found: TypeAlias = Iterator[str | CodedError]
"""What a check yields: a line on what is well, or an error."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an examination."""

    check: str
    ok: bool
    code: str = ""
    """Of what is wrong."""
    detail: str
    remedy: str = ""


class Patient(msgspec.Struct, kw_only=True):
    """What is known of the node so far; a part is None when its check failed."""

    home: Home
    now_ms: int
    running: bool = False
    """Whether a process holds the home's lock."""
    status: Mapping[str, Any] | None = None
    """What the running node's API says of itself; None: it was not asked, or does not answer."""
    config: Config | None = None
    keys: Keys | None = None
    store: StoreReading | None = None


def examine(home: Home, now_ms: int, status: Mapping[str, Any] | None = None) -> list[Finding]:
    """Every finding on `home`, good and bad.

    `now_ms`: this machine's clock, Unix milliseconds. `status`: what a running node's API says.
    """
    patient = Patient(home=home, now_ms=now_ms, status=status, running=is_held(home.lock))
    found = []
    for name, check in CHECKS:
        try:
            results = list(check(patient))
        except CodedError as error:
            results = [error]
        except OSError as error:
            results = [HomeIncomplete(f"{error.filename}: {error.strerror}")]
        found += [_finding(name, result) for result in results]
    return found


def _finding(check: str, result: str | CodedError) -> Finding:
    if isinstance(result, str):
        return Finding(check=check, ok=True, detail=result)
    return Finding(
        check=check, ok=False, code=result.code, detail=result.detail, remedy=result.remedy
    )


def _versions(_: Patient) -> Found:
    yield f"dcn {SOFTWARE_VERSION}, protocol {PROTOCOL_VERSION}, store {STORE_VERSION}"


def _configuration(patient: Patient) -> Found:
    patient.config = patient.home.config()
    yield f"{patient.home.config_file} is valid, for {patient.config.lei}"


def _secrets(patient: Patient) -> Found:
    try:
        patient.keys = patient.home.keys()
    except PassphraseMissing:
        yield "keys.json is sealed, and was not opened: keys are not compared with the ledger"
    patient.home.token()
    names = ("keys.json", "keys.next.json", "api.token")
    exposed = [
        name
        for name in names
        if (path := patient.home.path / name).exists() and path.stat().st_mode & 0o077
    ]
    yield from (SecretExposed(str(patient.home.path / name)) for name in exposed)
    if not exposed:
        yield "keys and token are here, readable by their owner only"


def _network(patient: Patient) -> Found:
    """The genesis, and whether configuration and keys fit it."""
    if not patient.home.genesis_file.exists():
        raise HomeIncomplete("there is no genesis yet: `dcn genesis adopt` brings it")
    genesis = patient.home.genesis()
    known = any(member.lei == patient.home.config().lei for member in genesis.members)
    if known and patient.keys is not None:
        check_home(patient.home)
    yield f"chain {genesis.chain_id}, genesis {genesis_hash(genesis).hex()[:16]}"


def _store(patient: Patient) -> Found:
    honour_mark(patient.home)
    if patient.config is None:
        return
    signing = () if patient.keys is None else _signing_keys(patient.keys)
    try:
        reading = read_store(patient.home, patient.config.lei, signing)
    except StoreMissing:
        yield "there is no store yet: the node fills it from its peers"
        return
    quick_check(patient.home)
    if reading.tip is not None:
        genesis = genesis_hash(patient.home.genesis())
        if reading.tip.genesis_hash != genesis:
            raise StoreOfAnotherChain(f"genesis {reading.tip.genesis_hash.hex()[:16]}")
        yield f"height {reading.tip.height}, the quick check finds nothing"
    patient.store = reading


def _keys_on_ledger(patient: Patient) -> Found:
    keys, store = patient.keys, patient.store
    if keys is None or store is None or store.tip is None:
        return
    if store.member is None:
        yield "the ledger does not know this entity yet: it waits to be admitted"
        return
    member, wrong = store.member, []
    if member.peer_key != keys.signing("peer").public:
        wrong.append("peer")
    if member.consensus_key is not None and member.consensus_key != keys.consensus_key:
        wrong.append("consensus")
    if member.state not in (MemberState.APPLIED, MemberState.EXITED):
        used = {purpose for purpose, _ in key_roles(member.roles)}
        named = zip(SIGNING, _signing_keys(keys), strict=True)
        wrong += [name for name, key in named if name in used and key in store.unusable]
    if wrong:
        raise KeysNotOnLedger(f"{', '.join(wrong)} of {member.lei}")
    yield f"{member.name} ({member.lei}): state {member.state.name}, power {member.power}"


SIGNING: Final = ("trade", "treasury", "governance")


def _signing_keys(keys: Keys) -> tuple[bytes, ...]:
    return tuple(keys.signing(purpose).public for purpose in SIGNING)


def _signer(patient: Patient) -> Found:
    if patient.config is None or patient.keys is None:
        return
    if patient.config.signer.address:
        yield from check_remote_signer(patient.home, patient.config, patient.status)
    else:
        yield from check_signer(patient.home, patient.keys, patient.store)


def _clock(patient: Patient) -> Found:
    if patient.config is not None:
        idle_ms = patient.config.consensus.empty_block_ms
        own = None if patient.keys is None else patient.keys.consensus_key
        yield from check_clock(patient.store, patient.now_ms, patient.running, idle_ms, own)


def _disk(patient: Patient) -> Found:
    yield from check_disk(patient.home)


def _ports(patient: Patient) -> Found:
    if patient.config is not None:
        yield from check_ports(patient.config, patient.running)


def _peers(patient: Patient) -> Found:
    if patient.config is not None:
        connected = None if patient.status is None else frozenset(patient.status["peers"])
        yield from check_peers(patient.config, connected)


CHECKS: Final[tuple[tuple[str, Callable[[Patient], Found]], ...]] = (
    ("versions", _versions),
    ("config", _configuration),
    ("secrets", _secrets),
    ("genesis", _network),
    ("disk", _disk),
    ("store", _store),
    ("ledger", _keys_on_ledger),
    ("signer", _signer),
    ("clock", _clock),
    ("ports", _ports),
    ("peers", _peers),
)
