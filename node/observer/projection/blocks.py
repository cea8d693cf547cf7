"""A block and its transactions: who proposed and signed it, and what became of each."""

from collections.abc import Iterator
from typing import Final

from consensus.messages import Certificate
from ledger import tables as t
from ledger.apply import Applied
from ledger.events import PowerChanged, TradeRegistered
from ledger.receipts import OK
from ledger.state import State
from ledger.transactions import Transaction
from node.blocks import DecidedBlock, block_id
from node.core.chain import validators_of
from node.observer.projection.writing import Context, as_json, put, whose
from node.observer.store import Statement
from node.standing import names_of_validators
from node.viewing.concerns import of_action

BLOCK: Final = put(
    "blocks", "height", "id", "time_ms", "decided_ms", "round", "proposer", "signers",
    "validators", "transactions", "refused", "trades", "events", "business_date",
    "rulebook", "header",
)  # fmt: skip
VOTES: Final = "UPDATE members SET votes_from=? WHERE lei=?"
TRANSACTION: Final = put(
    "transactions", "height", "position", "id", "kind", "code", "detail", "signers", "body",
    "parties", "product", "about_date",
)  # fmt: skip


def block(
    context: Context, decided: DecidedBlock, applied: Applied, before: State
) -> Iterator[Statement]:
    """The block and its transactions."""
    found, commit = decided.block, decided.commit
    names = names_of_validators(before)
    signers = [names.get(one.validator, one.validator.hex()) for one in commit.signatures]
    receipts = applied.receipts
    yield BLOCK, (
        context.height, block_id(found.header).hex(), found.header.time_ms, decided_ms(commit),
        commit.round, names.get(found.header.proposer, found.header.proposer.hex()),
        " ".join(signers), len(validators_of(before).members), len(receipts),
        sum(one.code != OK for one in receipts),
        sum(isinstance(event, TradeRegistered) for event in applied.events), len(applied.events),
        context.state.must(t.NETWORK, t.network_key()).business_date, context.rulebook,
        as_json(found.header),
    )  # fmt: skip
    for position, (tx, receipt) in enumerate(zip(found.transactions, receipts, strict=True)):
        yield TRANSACTION, (
            context.height, position, receipt.tx_id.hex(), type(tx.action).__name__, receipt.code,
            receipt.detail, " ".join(_signers(tx, context.state, before)), as_json(tx.action),
            *whose(of_action(context.state, tx.action)),
        )  # fmt: skip


def begin_to_vote(context: Context, applied: Applied, before: State) -> Iterator[Statement]:
    """Validators that have got power in a block: from when on they are missed."""
    for event in applied.events:
        if isinstance(event, PowerChanged) and event.power:
            old = before.get(t.MEMBERS, t.MEMBERS.key(event.lei))
            if old is None or not old.power:
                yield VOTES, (event.from_height, event.lei)


def decided_ms(commit: Certificate) -> int:
    """When a block was decided: the middle of its precommits' times, by the validators' clocks."""
    times = sorted(one.time_ms for one in commit.signatures)
    return times[len(times) // 2]


def _signers(tx: Transaction, after: State, before: State) -> list[str]:
    """LEIs, each once, in the order of the signatures; keys that nobody has, by their hex."""
    found: dict[str, None] = {}
    for entry in tx.signatures:
        key = t.KEYS.key(entry.key)
        row = before.get(t.KEYS, key) or after.get(t.KEYS, key)
        found[entry.key.hex() if row is None else row.member] = None
    return list(found)
