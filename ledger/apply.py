"""The state transition: apply_block(state, block) -> Applied. Reads like the rule it is.

Order: a recovery, evidence and votes that fall due, oracle marks, the block's other transactions,
scheduled events, invariants, root. The input state is never touched. Each transaction has an
overlay of its own, so it applies whole or leaves nothing but a used nonce and a receipt.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum

import msgspec

from ledger import (
    admission,
    bootstrap,
    calls,
    contracts,
    governance,
    invariants,
    kyc,
    mandates,
    margin,
    oracles,
    paying,
    recovery,
    rounds,
    settlement,
    trades,
    validators,
)
from ledger import objects as o
from ledger import tables as t
from ledger.actions import RegisterTrade, SubmitOracle, TradeBatch
from ledger.default import calendar as defaults
from ledger.default import notices
from ledger.events import Event
from ledger.execution import check_signers, execute
from ledger.receipts import OK, Receipt, RoundResult
from ledger.recovery import SignedRecovery
from ledger.rejections import BadRecovery, BlockRefused, WrongSigners
from ledger.state import Draft, State
from ledger.transactions import Transaction, tx_id
from wire.codec import encode, sha256
from wire.errors import Rejection
from wire.limits import BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX
from wire.signing import Verified


class Block(msgspec.Struct, frozen=True):
    """What the ledger needs of a decided block; consensus data stays outside."""

    height: int
    time_ms: int
    proposer: bytes
    """Consensus key of the proposer."""
    seed_link: bytes
    """The next link of the proposer's hash chain."""
    transactions: tuple[Verified[Transaction], ...]
    certificates: tuple[rounds.RoundCertificate, ...]
    accusations: tuple[validators.Accusation, ...]
    """Evidence against validators, its signatures verified."""
    recent: o.RecentBlock
    """The block itself, for evidence about its height that comes later."""
    extensions: tuple[tuple[bytes, bytes], ...]
    """(consensus key, data) that the precommits for the parent carried."""
    recovery: SignedRecovery | None = None
    """Its signatures verified: who validates from this block on, after a lost quorum."""


class Applied(msgspec.Struct, frozen=True):
    """The outcome of a block."""

    state: State
    changes: list[tuple[bytes, bytes | None]]
    """Changed rows, encoded (None: deleted), for the store."""
    receipts: tuple[Receipt, ...]
    results: tuple[RoundResult, ...]
    events: tuple[Event, ...]


class Part(IntEnum):
    """The parts of a block that can move balances or change contracts, in their order."""

    BEGINNING = 1
    """Votes that fall due, recoveries, evidence."""
    DECLARATIONS = 2
    TRANSACTION = 3
    ROUNDS = 4
    WHITE_LIST = 5
    BATCHES = 6
    CALLS = 7
    CYCLE = 8
    DEFAULTS = 9


Watch = Callable[[Part, Draft, Sequence[Event], bytes], None]
"""Is told each part of a block once it is done: the draft after it (of a transaction: its own
overlay), what it made happen, and the transaction's id. It looks and changes nothing."""


def unwatched(_part: Part, _draft: Draft, _events: Sequence[Event], _tx: bytes) -> None:
    """Nobody looks."""


class _Told:
    """The events of a block under way, told to `watch` part by part."""

    def __init__(self, draft: Draft, watch: Watch) -> None:
        self.events: list[Event] = []
        self._draft = draft
        self._watch = watch
        self._before = 0

    def part(self, part: Part, draft: Draft | None = None, tx: bytes = b"") -> None:
        """The part is done; `draft`: the overlay that it was done on, if it has one."""
        events = self.events[self._before :]
        self._before = len(self.events)
        self._watch(part, self._draft if draft is None else draft, events, tx)


def check_block(state: State, block: Block) -> None:
    """Refuse a block whose execution would not even begin; raises `BlockRefused`."""
    network = state.must(t.NETWORK, t.network_key())
    if block.height != network.height + 1:
        raise BlockRefused(f"height is {block.height}, state is at {network.height}")
    if block.height > 1 and block.time_ms <= network.time_ms:
        raise BlockRefused(f"time {block.time_ms} is not after {network.time_ms}")
    for tx in block.transactions:
        if tx.value.chain_id != network.chain_id:
            raise BlockRefused(f"a transaction is for chain {tx.value.chain_id[:48]}")
        _refuse_wrong_signers(state, tx.value)
    draft, _ = _recovered(state, block)
    committed = draft.get(t.SEEDS, t.SEEDS.key(block.proposer))
    if committed is None:
        raise BlockRefused(f"proposer {block.proposer.hex()[:16]} has no seed chain")
    if sha256(block.seed_link) != committed.link:
        raise BlockRefused("the seed link is not the next one of the proposer's chain")
    validators.check_accusations(draft, block.accusations)
    rounds.check_certificates(state, block.height, block.certificates)


def _recovered(state: State, block: Block) -> tuple[Draft, list[Event]]:
    """A draft with the validators that decide `block`; raises `BlockRefused`."""
    draft = Draft(state)
    if block.recovery is None:
        return draft, []
    try:
        return draft, recovery.enact(draft, block.recovery)
    except BadRecovery as error:
        raise BlockRefused(f"its recovery: {error.detail}") from None


def _refuse_wrong_signers(state: State, tx: Transaction) -> None:
    """Who must sign, has, and nobody else: see `WrongSigners`. The proposer checked the same."""
    try:
        check_signers(Draft(state), tx)
    except WrongSigners as wrong:
        raise BlockRefused(f"a transaction has wrong signers: {wrong}") from None
    except Rejection:
        pass  # what it says is at fault, whoever signed: it gets its receipt


def apply_block(state: State, block: Block, watch: Watch = unwatched) -> Applied:
    """Apply a decided block. Raises `BlockRefused` (never for a decided block) and, for a bug,
    `InvariantBroken`. `watch` is told what each part of it does (statements are made of that)."""
    check_block(state, block)
    draft, events = _recovered(state, block)
    told = _Told(draft, watch)
    told.events += events
    events = told.events
    network = msgspec.structs.replace(
        draft.must(t.NETWORK, t.network_key()), height=block.height, time_ms=block.time_ms
    )
    draft.put(t.NETWORK, t.network_key(), network)
    validators.remember(draft, block.height, block.recent)
    draft.put(t.SEEDS, t.SEEDS.key(block.proposer), o.SeedLink(block.seed_link))
    admission.forget_nonces(draft, block.height)
    events += validators.punish(draft, block.accusations, block.height)
    events += governance.due(draft, block.height)
    events += bootstrap.due(draft, block.height)
    events += mandates.due(draft, block.height)
    told.part(Part.BEGINNING)
    events += defaults.begin(draft, block.height, block.seed_link)
    told.part(Part.DECLARATIONS)
    oracles.take_extensions(draft, block.extensions, block.height)
    receipts = _apply_transactions(draft, block, told)
    results = _scheduled(draft, block, told)
    if notices.any_given(draft) and _has_room(block):
        notices.count_room(draft, block.proposer)
    invariants.check_touched(draft)
    after, changes = state.folded(draft)
    return Applied(after, changes, receipts, results, tuple(events))


def _has_room(block: Block) -> bool:
    """Whether the block could have held one more transaction of any size."""
    used = sum(len(encode(tx.value)) for tx in block.transactions)
    few = len(block.transactions) < BLOCK_TRANSACTIONS_MAX
    return few and used + TRANSACTION_BYTES_MAX <= BLOCK_BYTES_MAX


def _apply_transactions(draft: Draft, block: Block, told: _Told) -> tuple[Receipt, ...]:
    """Oracle marks first, then the rest; receipts in the block's order."""
    receipts: dict[int, Receipt] = {}
    for marks in (True, False):
        for number, tx in enumerate(block.transactions):
            if isinstance(tx.value.action, SubmitOracle) == marks:
                receipts[number] = _apply_one(draft, tx.value, block.height, told)
    return tuple(receipts[number] for number in sorted(receipts))


def _apply_one(draft: Draft, tx: Transaction, height: int, told: _Told) -> Receipt:
    ident = tx_id(tx)
    try:
        admission.check_window(draft, tx, height)
        admission.check_nonces(draft, tx)
    except Rejection as rejection:
        return Receipt(ident, rejection.code, rejection.detail)
    overlay = Draft(draft)
    try:
        happened = execute(overlay, tx, height)
    except Rejection as rejection:
        admission.use_nonces(draft, tx)
        return Receipt(ident, rejection.code, rejection.detail)
    told.events += happened
    told.part(Part.TRANSACTION, overlay, ident)
    overlay.commit()
    admission.use_nonces(draft, tx)
    return Receipt(ident, OK, "")


def check_transaction(state: State | Draft, tx: Transaction, height: int) -> Draft:
    """Whether `tx` would succeed in block `height` on top of `state`; raises its `Rejection`.

    Returns the draft with the effects, so that a mempool can check a sequence.
    """
    draft = Draft(state)
    admission.check_window(draft, tx, height)
    admission.check_nonces(draft, tx)
    execute(draft, tx, height)
    admission.use_nonces(draft, tx)
    return draft


def check_terms(state: State, tx: Transaction) -> None:
    """Whether the trades of `tx` could be registered, signatures apart; raises a `Rejection`."""
    draft = Draft(state)
    height = state.must(t.NETWORK, t.network_key()).height + 1
    match tx.action:
        case RegisterTrade(trade=trade):
            trades.register(draft, trade, height)
        case TradeBatch() as batch:
            trades.register_batch(draft, batch, height)
        case _:
            pass


def waits_for_blocks(state: State) -> bool:
    """Whether something on the ledger waits for the next blocks: the network does not idle."""
    return rounds.pending(state) > 0 or paying.pending(state) or defaults.pending(state)


def _scheduled(draft: Draft, block: Block, told: _Told) -> tuple[RoundResult, ...]:
    """Settle, then clear, then close the date and freeze: older events come first."""
    events = told.events
    rounds.reveal(draft, block.height, block.seed_link)
    results = rounds.settle_due(draft, block.height, events)
    paying.due(draft, block.height, events)
    told.part(Part.ROUNDS)
    rounds.clear_due(draft, block.height, block.certificates, events)
    contracts.expire(draft, block.height)
    date = draft.must(t.NETWORK, t.network_key()).business_date
    events += oracles.close_date(draft)
    if date is not None and margin.is_closed(draft, date):
        events += kyc.date_closed(draft, date)
    told.part(Part.WHITE_LIST)
    events += settlement.due(draft, block.height, results)
    told.part(Part.BATCHES)
    calls.due(draft, block.height, events)
    told.part(Part.CALLS)
    if date is not None and (
        margin.is_closed(draft, date) or margin.is_intraday(draft, block.height)
    ):
        events += margin.cycle(draft, date, block.height)
        events += rounds.freeze(draft, date, block.height, block.seed_link)
    told.part(Part.CYCLE)
    if date is not None and margin.is_closed(draft, date):
        events += defaults.date_closed(draft, date, block.height)
    events += defaults.proceed(draft, block.height)
    told.part(Part.DEFAULTS)
    return results
