"""Running a script: each step a block, or several; what happened, and whether it was expected."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ledger import execution, rounds
from ledger import objects as o
from ledger import tables as t
from ledger.actions import Action, Bootstrap, CommitLooks, CommitMark, RetireBootstrap
from ledger.apply import Applied, Block, apply_block
from ledger.mandates import digest_of as look_digest
from ledger.marks import digest as marks_digest
from ledger.receipts import OK, Receipt
from ledger.state import Draft, State
from ledger.transactions import KeySignature, Transaction, new_keys
from node.forms import Names, build
from node.plain import plain
from node.rehearsal.errors import BadScript
from node.rehearsal.founding import (
    ORACLES,
    SEED_LINKS,
    START_MS,
    named,
    seed_chain,
)
from node.rulebook_form import amended
from wire.codec import digest_of
from wire.errors import Rejection
from wire.signing import Verified

ACTIONS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in Action.__args__}
VALID_BLOCKS: Final = 1_000
WAIT_BLOCKS_MAX: Final = SEED_LINKS // 2


class Done(msgspec.Struct, frozen=True):
    """What one step did."""

    number: int
    title: str
    height: int
    """After it."""
    outcomes: list[dict[str, str]]
    """Code and detail of each transaction."""
    events: list[Any]
    failures: list[str]
    """What was expected and is not so."""


class Rehearsal:
    """A ledger that steps are run through."""

    def __init__(self, state: State, names: Names, block_ms: int) -> None:
        self.names = names
        self._block_ms = block_ms
        self._chain = seed_chain()
        self._proposers, self.state = _with_own_seeds(state, self._chain.anchor)
        self._nonce = 0
        self.checked = 0

    # ---------------------------------------------------------------- steps
    def step(self, number: int, entry: dict[str, Any]) -> Done:
        """Run one step; raises `BadScript` if it makes no sense."""
        where = f"step {number}"
        rest = dict(entry)
        title = str(rest.pop("title", ""))
        # A transaction may have a field that is named like a step.
        kinds = ["tx"] if "tx" in rest else [kind for kind in _STEPS if kind in rest]
        wanted = rest.pop("expect", [])
        if len(kinds) > 1:
            raise BadScript(f"{where}: {kinds} in one step; it does one thing")
        applied: list[Applied] = []
        receipts: list[Receipt] = []
        if kinds:
            blocks, receipts = _STEPS[kinds[0]](self, rest, where)
            applied += blocks
        elif rest:
            raise BadScript(f"{where}: {sorted(rest)}; one of {', '.join(_STEPS)} or expect")
        events = [self.names.shown(plain(event)) for one in applied for event in one.events]
        failures = self._judge(wanted, receipts, events, where)
        if not wanted:
            failures += [
                f"{where}: refused, and not expected to be: {x.code} {x.detail}"
                for x in receipts
                if x.code != OK
            ]
        outcomes = [{"code": x.code, "detail": self.names.shown(x.detail)} for x in receipts]
        return Done(number, title, self.height, outcomes, events, failures)

    @property
    def height(self) -> int:
        """Of the last block."""
        return self.state.must(t.NETWORK, t.network_key()).height

    def transactions(self, rest: dict[str, Any], where: str) -> tuple[list[Applied], list[Receipt]]:
        """`tx` (one) or `txs` (several): decided in one block."""
        entries = rest.pop("txs", None)
        if entries is None:
            entries = [rest]
        elif rest:
            raise BadScript(f"{where}: {sorted(rest)} beside txs")
        return self._decide(
            [self._transaction(dict(x), f"{where} tx {n}") for n, x in enumerate(entries)]
        )

    def decide(self, *actions: Action) -> tuple[Applied, list[Receipt]]:
        """A block of these actions, each signed by all who must."""
        (applied,), receipts = self._decide([self._signed(action, None, "") for action in actions])
        return applied, receipts

    def _decide(self, signed: list[Transaction]) -> tuple[list[Applied], list[Receipt]]:
        refused: dict[int, Receipt] = {}
        fit = []
        for n, tx in enumerate(signed):
            try:
                execution.check_signers(Draft(self.state), tx)
                fit.append(n)
            except Rejection as rejection:
                refused[n] = Receipt(b"", rejection.code, rejection.detail)
        applied = self._block([signed[n] for n in fit])
        decided = dict(zip(fit, applied.receipts, strict=True))
        return [applied], [{**refused, **decided}[n] for n in range(len(signed))]

    def marks(self, rest: dict[str, Any], where: str) -> tuple[list[Applied], list[Receipt]]:
        """`marks`: every oracle (or those `by`) marks feeds for the open date, or `date`."""
        values = rest.pop("marks")
        by = rest.pop("by", list(ORACLES))
        network = self.state.must(t.NETWORK, t.network_key())
        date = rest.pop("date", network.business_date)
        if rest or not isinstance(values, dict):
            raise BadScript(f"{where}: marks is a table of feed and value; beside it by, date")
        entries = [
            {
                "tx": "SubmitOracle",
                "oracle": oracle,
                "date": date,
                "marks": [{"feed": feed, "value": value} for feed, value in values.items()],
            }
            for oracle in by
        ]
        return self.transactions({"txs": entries}, where)

    def wait(self, rest: dict[str, Any], where: str) -> tuple[list[Applied], list[Receipt]]:
        """`wait`: so many blocks, or `"settled"`: until no round is open."""
        wanted = rest.pop("wait")
        if rest:
            raise BadScript(f"{where}: {sorted(rest)} beside wait")
        if wanted == "settled":
            applied = []
            while rounds.pending(self.state):
                applied.append(self._block([]))
            return applied, []
        if not isinstance(wanted, int) or not 1 <= wanted <= WAIT_BLOCKS_MAX:
            raise BadScript(f'{where}: wait is 1 to {WAIT_BLOCKS_MAX} blocks, or "settled"')
        return [self._block([]) for _ in range(wanted)], []

    def outage(self, rest: dict[str, Any], where: str) -> tuple[list[Applied], list[Receipt]]:
        """`outage_ms`: no block is decided for so long; then one is."""
        gap = rest.pop("outage_ms")
        if rest or not isinstance(gap, int) or not 0 < gap < 10**12:
            raise BadScript(f"{where}: outage_ms is a positive number, alone")
        return [self._block([], gap)], []

    # ---------------------------------------------------------------- blocks
    def _transaction(self, fields: dict[str, Any], where: str) -> Transaction:
        kind = ACTIONS.get(str(fields.pop("tx", "")))
        if kind is None:
            raise BadScript(f"{where}: tx is none of {', '.join(ACTIONS)}")
        signers = fields.pop("signers", None)
        if isinstance(body := fields.get("body"), dict) and "changes" in body:
            fields["body"] = {"type": body.get("type"), "rulebook": self._rulebook(body["changes"])}
        if kind is CommitMark and "marks" in fields:
            salt = build(bytes, fields.pop("salt", ""), self.names, where)
            marks = build(tuple[o.ContractMark, ...], fields.pop("marks"), self.names, where)
            fields["digest"] = marks_digest(salt, marks).hex()
        if kind is CommitLooks and "looks" in fields:
            looks = build(tuple[o.Look, ...], fields.pop("looks"), self.names, where)
            fields["digests"] = [digest.hex() for digest in sorted(map(look_digest, looks))]
        if kind in (Bootstrap, RetireBootstrap):
            row = self.state.get(t.BOOTSTRAP, t.bootstrap_key())
            fields.setdefault("key", "" if row is None else row.public_key.hex())
        return self._signed(build(kind, fields, self.names, where), signers, where)

    def _signed(self, action: Action, signers: Any, where: str) -> Transaction:
        self._nonce += 1
        nonce = 0 if type(action).__name__ in ("RegisterTrade", "TradeBatch") else self._nonce
        chain_id = self.state.must(t.NETWORK, t.network_key()).chain_id
        bare = Transaction(chain_id, nonce, self.height + VALID_BLOCKS, action, ())
        keys = self._keys_for(bare, signers, where)
        signatures = tuple(KeySignature(key, bytes(64)) for key in sorted(keys))
        return msgspec.structs.replace(bare, signatures=signatures)

    def _rulebook(self, changes: dict[str, Any]) -> Any:
        """The rulebook in force, one version on, with `changes`."""
        current = self.state.must(t.RULEBOOK, t.rulebook_key())
        return plain(amended(plain(current), named(changes, self.names), current.version + 1))

    def _keys_for(self, tx: Transaction, signers: Any, where: str) -> list[bytes]:
        """The keys that must sign; `signers` leaves out everybody it does not name."""
        draft = Draft(self.state)
        try:
            required = execution.required(draft, tx)
        except Rejection:
            return []  # what it says is at fault, whoever signs: the ledger will say so
        if signers is not None:
            if not isinstance(signers, list):
                raise BadScript(f"{where}: signers is a list of members")
            chosen = {self.names.lei(str(name)) for name in signers}
            required = tuple(entry for entry in required if entry[0] in chosen)
        keys = list(new_keys(tx.action))
        for lei, role in required:
            keys += [
                t.KEYS.parts(key)[0]
                for key in self.state.indexed(t.KEYS, role)
                if self.state.must(t.KEYS, key).member == lei
            ][:1]
        return keys

    def _block(self, transactions: list[Transaction], gap_ms: int = 0) -> Applied:
        network = self.state.must(t.NETWORK, t.network_key())
        height = network.height + 1
        time_ms = max(network.time_ms, START_MS) + gap_ms + self._block_ms
        proposer = self._proposer_of(height)
        revealed = self.state.must(t.SEEDS, t.SEEDS.key(proposer)).link
        due = rounds.due_for_clearing(self.state, height)
        block = Block(
            height,
            time_ms,
            proposer,
            self._chain.next_link(revealed),
            tuple(Verified(tx) for tx in transactions),
            tuple(rounds.problem(self.state, row).solve() for row in due),
            (),
            o.RecentBlock(digest_of(("dcn/rehearsal/block", height)), bytes(32), time_ms, 0),
            (),
        )
        applied = apply_block(self.state, block)
        self.state = applied.state
        return applied

    def _proposer_of(self, height: int) -> bytes:
        """The validators take turns; who has lost its power is passed over."""
        rows = [
            (key, self.state.get(t.CONSENSUS_KEYS, t.CONSENSUS_KEYS.key(key)))
            for key in self._proposers
        ]
        voting = [key for key, row in rows if row is not None and not row.until]
        return voting[height % len(voting)] if voting else self._proposers[0]

    # ---------------------------------------------------------------- expectations
    def _judge(
        self, wanted: Any, receipts: list[Receipt], events: list[Any], where: str
    ) -> list[str]:
        entries = wanted if isinstance(wanted, list) else [wanted]
        failures = []
        for entry in entries:
            if not isinstance(entry, dict) or len(entry) == 0:
                raise BadScript(f"{where}: expect is a table, or a list of them")
            self.checked += 1
            failure = self._judge_one(dict(entry), receipts, events, where)
            if failure is not None:
                failures.append(f"{where}: {failure}")
        return failures

    def _judge_one(
        self, entry: dict[str, Any], receipts: list[Receipt], events: list[Any], where: str
    ) -> str | None:
        match entry:
            case {"event": kind, **fields}:
                return self._expect_event(str(kind), fields, events)
            case {"codes": codes}:
                found = [receipt.code for receipt in receipts]
                return None if found == codes else f"codes are {found}, expected {codes}"
            case {"code": code}:
                found = [receipt.code for receipt in receipts]
                return None if found == [code] else f"code is {found}, expected {code}"
            case {"table": table, "key": key, **rest}:
                return self._expect_row(str(table), key, rest, where)
            case {"balance": amount, "of": who, **rest}:
                account = {"asset": "", "kind": "OWN", "reference": "", **rest}
                return self._expect_balance(str(who), amount, account, where)
            case _:
                known = "code, codes, event, table, balance"
                raise BadScript(f"{where}: expect has {sorted(entry)}; one of {known}")

    def _expect_event(self, kind: str, fields: dict[str, Any], events: list[Any]) -> str | None:
        count = fields.pop("count", None)
        matching = [
            event for event in events if event.get("type") == kind and covers(event, fields)
        ]
        if count is not None:
            return None if len(matching) == count else f"{len(matching)} {kind}, expected {count}"
        seen = [event for event in events if event.get("type") == kind]
        return None if matching else f"no {kind} with {fields}; seen: {seen}"

    def _expect_row(self, name: str, key: Any, rest: dict[str, Any], where: str) -> str | None:
        table = t.BY_NAME.get(name)
        if table is None:
            raise BadScript(f"{where}: table is none of {', '.join(t.BY_NAME)}")
        parts = [self.names.uti(x) if isinstance(x, str) and ":" in x else x for x in key]
        parts = [self.names.lei(x) if isinstance(x, str) else x for x in parts]
        if name == "netting_set":
            parts.sort()
        row = self.state.row(table.key(*parts))
        if rest.pop("absent", False):
            return None if row is None else f"{name} {key} is there"
        found = None if row is None else self.names.shown(plain(row))
        fields = rest.pop("row", {})
        if found is None:
            return f"{name} {key} is not there"
        return None if covers(found, fields) else f"{name} {key} is {found}, expected {fields}"

    def _expect_balance(
        self, who: str, amount: Any, account: dict[str, str], where: str
    ) -> str | None:
        kind = build(o.AccountKind, account["kind"], self.names, where)
        asset = account["asset"] or self.state.must(t.RULEBOOK, t.rulebook_key()).currency
        reference = self.names.account(account["reference"])
        key = t.BALANCES.key(self.names.lei(who), kind, reference, asset)
        row = self.state.get(t.BALANCES, key)
        found = 0 if row is None else row.balance
        return None if found == amount else f"{who} has {found} {asset}, expected {amount}"


def covers(found: Any, wanted: Any) -> bool:
    """Whether `found` has everything in `wanted`: tables may have more, lists may not."""
    match wanted:
        case dict():
            return isinstance(found, dict) and all(
                key in found and covers(found[key], value) for key, value in wanted.items()
            )
        case list():
            return (
                isinstance(found, list)
                and len(found) == len(wanted)
                and all(covers(f, w) for f, w in zip(found, wanted, strict=True))
            )
        case "none":
            return found is None
        case _:
            return bool(found == wanted)


_Step = Callable[[Rehearsal, dict[str, Any], str], tuple[list[Applied], list[Receipt]]]
_STEPS: Final[dict[str, _Step]] = {
    "tx": Rehearsal.transactions,
    "txs": Rehearsal.transactions,
    "marks": Rehearsal.marks,
    "wait": Rehearsal.wait,
    "outage_ms": Rehearsal.outage,
}
"""A step by the key that makes it one."""


def _with_own_seeds(state: State, anchor: bytes) -> tuple[list[bytes], State]:
    """Consensus keys of the validators, who propose with a seed chain of the rehearsal's."""
    draft = Draft(state)
    keys = []
    for member in state.indexed(t.MEMBERS, o.Role.VALIDATOR):
        key = state.must(t.MEMBERS, member).consensus_key
        assert key is not None
        draft.put(t.SEEDS, t.SEEDS.key(key), o.SeedLink(anchor))
        keys.append(key)
    return keys, state.folded(draft)[0]
