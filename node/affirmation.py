"""Affirmation: a trade gets its second signature, or the list of fields in which the books differ.

The initiating node sends its half-signed transaction to the counterparty's node over the direct
stream. That node compares every trade in it with its own blotter and signs, or says why not.
Only transactions signed by both are ever gossiped.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from ledger.actions import RegisterTrade, TradeBatch
from ledger.objects import Trade
from ledger.rejections import WrongChain
from ledger.trades import members_of
from ledger.transactions import KeySignature, Transaction, body, signed, tx_id, utis
from node.blotter import differences
from node.messages import (
    AFFIRMATIONS_MAX,
    Affirmation,
    AffirmReply,
    AffirmRequest,
    FieldDifference,
)
from node.storage.trades import EXPIRED, REFUSED, WAITING, AffirmationRow, Outcome, TradeStore
from wire.codec import encode
from wire.errors import PeerFault, Rejection
from wire.limits import FRAME_BYTES_MAX
from wire.signing import SigningKey, verifies

REQUEST_BYTES_MAX: Final = FRAME_BYTES_MAX >> 1
"""Transactions in one request; the rest goes into the next."""


class NotAParty(Rejection):
    """The transaction does not concern the two members who talk about it."""

    code = "AFFIRM_NOT_A_PARTY"
    remedy = "Send it to the node of the trade's counterparty."


class NotInBlotter(Rejection):
    """The counterparty's book has no trade of this UTI (yet); it is asked again."""

    code = "AFFIRM_NOT_IN_BLOTTER"
    remedy = "Have the counterparty enter the trade; the node asks again until it expires."


class Mismatch(Rejection):
    """The two books differ in the fields listed."""

    code = "AFFIRM_MISMATCH"
    remedy = "Agree on the fields listed, correct the book that is wrong, and submit again."


class BadAffirmation(PeerFault):
    """A counterparty's signature does not fit the transaction, or was not asked for."""

    code = "AFFIRM_BAD_SIGNATURE"
    remedy = "None for a user: the counterparty's node is at fault."


class Affirmer:
    """One member's side: answers requests, and completes its own transactions."""

    def __init__(self, chain_id: str, lei: str, key: SigningKey, store: TradeStore) -> None:
        self._chain_id = chain_id
        self._lei = lei
        self._key = key
        self._store = store
        self._waiting: dict[bytes, AffirmationRow] = {}

    async def load(self) -> None:
        """Read what waited when the node stopped."""
        self._waiting = {tx_id(row.tx): row for row in await self._store.waiting()}

    async def begin(self, transactions: Sequence[Transaction]) -> frozenset[bytes]:
        """Sign own transactions and keep them until the counterparties answer; their ids."""
        halves = [(signed(tx, self._key), counterparty_of(tx, self._lei)) for tx in transactions]
        await self._store.begin(halves)
        for tx, counterparty in halves:
            self._waiting[tx_id(tx)] = AffirmationRow(tx, counterparty, WAITING, "", ())
        return frozenset(tx_id(tx) for tx, _ in halves)

    def requests(
        self, counterparty: str, only: Collection[bytes] | None = None
    ) -> list[AffirmRequest]:
        """What waits for `counterparty`, as messages; `only`: of these ids."""
        chunks: list[list[Transaction]] = [[]]
        size = 0
        waiting = self._waiting
        for row in waiting.values() if only is None else [waiting[x] for x in only if x in waiting]:
            if row.counterparty != counterparty:
                continue
            length = len(encode(row.tx))
            if len(chunks[-1]) == AFFIRMATIONS_MAX or size + length > REQUEST_BYTES_MAX:
                chunks.append([])
                size = 0
            chunks[-1].append(row.tx)
            size += length
        return [AffirmRequest(tuple(chunk)) for chunk in chunks if chunk]

    def counterparties(self) -> frozenset[str]:
        """Whose answers are awaited."""
        return frozenset(row.counterparty for row in self._waiting.values())

    async def answer(self, counterparty: str, request: AffirmRequest) -> AffirmReply:
        """Answers to transactions that the node of `counterparty` sent, signatures verified."""
        wanted = [uti for tx in request.transactions for uti in utis(tx.action)]
        book = await self._store.in_blotter(wanted)
        return AffirmReply(
            tuple(self._answer(counterparty, tx, book) for tx in request.transactions)
        )

    def _answer(self, counterparty: str, tx: Transaction, book: Mapping[str, Trade]) -> Affirmation:
        ident = tx_id(tx)
        found: list[FieldDifference] = []
        try:
            if tx.chain_id != self._chain_id:
                raise WrongChain(f"is for {tx.chain_id[:48]}, this is {self._chain_id}")
            for trade in trades_of(tx):
                if set(members_of(trade)) != {self._lei, counterparty}:
                    raise NotAParty(trade.uti)
                if trade.uti not in book:
                    raise NotInBlotter(trade.uti)
                found += differences(book[trade.uti], trade)
            if found:
                raise Mismatch(f"{len(found)} fields")
        except Rejection as rejection:
            return Affirmation(ident, None, rejection.code, tuple(found[:64]))
        complete = signed(tx, self._key)
        mine = next(entry for entry in complete.signatures if entry.key == self._key.public)
        return Affirmation(ident, mine, "", ())

    def completed(
        self, counterparty: str, reply: AffirmReply
    ) -> tuple[list[Transaction], list[Outcome]]:
        """What the answers complete, and what they refuse. Raises `BadAffirmation`.

        Submit the first, then `close` both: a crash in between only asks again.
        """
        complete: list[Transaction] = []
        refused: list[Outcome] = []
        for answer in reply.answers:
            row = self._waiting.get(answer.tx_id)
            if row is None:
                continue  # answered before: requests are repeated
            if row.counterparty != counterparty:
                raise BadAffirmation("an answer to what another member was asked")
            if answer.signature is not None:
                complete.append(_with_signature(row.tx, answer.signature))
            elif answer.code != NotInBlotter.code:
                refused.append(Outcome(answer.tx_id, REFUSED, answer.code, answer.differences))
        return complete, refused

    async def close(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing waits for these any more."""
        await self._store.close(outcomes)
        for one in outcomes:
            self._waiting.pop(one.tx_id, None)

    async def expire(self, height: int) -> None:
        """Give up what can no longer stand in a block after `height`."""
        old = [ident for ident, row in self._waiting.items() if row.tx.valid_until <= height]
        await self.close([Outcome(ident, EXPIRED, "", ()) for ident in old])


def _with_signature(tx: Transaction, entry: KeySignature) -> Transaction:
    """`tx` with the counterparty's signature; raises `BadAffirmation`."""
    if not verifies(entry.key, body(tx), entry.signature):
        raise BadAffirmation(f"of transaction {tx_id(tx).hex()[:16]}")
    ordered = tuple(sorted((*tx.signatures, entry), key=lambda one: one.key))
    return msgspec.structs.replace(tx, signatures=ordered)


def trades_of(tx: Transaction) -> tuple[Trade, ...]:
    """The trades a transaction registers; raises `NotAParty` if it registers none."""
    match tx.action:
        case RegisterTrade(trade=trade):
            return (trade,)
        case TradeBatch(trades=trades) if trades:
            return trades
        case _:
            raise NotAParty("not a trade")


def counterparty_of(tx: Transaction, lei: str) -> str:
    """The other party of a transaction's trades; raises `NotAParty`."""
    others = {member for trade in trades_of(tx) for member in members_of(trade)} - {lei}
    if len(others) != 1:
        raise NotAParty("the trades are not all with one counterparty of this member")
    return others.pop()
