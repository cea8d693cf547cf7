"""A chain decided without a network: blocks built and signed with every validator's key.

For tests and benchmarks that need many blocks and no consensus. Each block is built, judged and
applied by the same functions as in a node, so the chain is one that any node accepts.
"""

from collections.abc import Iterable, Iterator, Sequence

from consensus.messages import UNSIGNED, Certificate, Entry, Vote, VoteKind, sign_bytes
from ledger.apply import apply_block
from ledger.transactions import Transaction
from node.blocks import Block, DecidedBlock, block_id
from node.core.building import build, fitting, problems_due
from node.core.chain import Tip
from node.core.effects import CommitBlock
from node.core.seedchain import SeedChain
from node.founding import Founded
from wire.signing import SigningKey

BLOCK_MS = 200
"""Between two blocks of the chain."""


class Scribe:
    """Writes the chain of `founded` on, block by block; `tip` is where it stands."""

    def __init__(self, founded: Founded, seed_chain_length: int) -> None:
        self.tip = Tip.at_genesis(founded.genesis)
        keys = [(who.key("consensus"), who.seed_chain) for who in founded.members]
        self._keys: dict[bytes, SigningKey] = {key.public: key for key, _ in keys}
        self._seeds: dict[bytes, SeedChain] = {
            key.public: SeedChain(seed, seed_chain_length) for key, seed in keys
        }

    def write(self, transactions: Sequence[Transaction] = ()) -> CommitBlock:
        """Decide one more block, with `transactions`."""
        tip = self.tip
        proposer = tip.rotation.proposer
        link = self._seeds[proposer].next_link(tip.seed_link(proposer))
        certificates = tuple(problem.solve() for problem in problems_due(tip))
        _, block = build(tip, proposer, link, (), tuple(transactions), certificates)
        applied = apply_block(tip.state, fitting(tip, block))
        commit = self._commit(block)
        self.tip = tip.extended(block, commit, applied)
        return CommitBlock(DecidedBlock(block, commit), applied, self.tip)

    def write_many(
        self, count: int, transactions: Iterable[Sequence[Transaction]] = ()
    ) -> Iterator[CommitBlock]:
        """`count` blocks, each with the next of `transactions` while there are any."""
        waiting = iter(transactions)
        for _ in range(count):
            yield self.write(next(waiting, ()))

    def _commit(self, block: Block) -> Certificate:
        header = block.header
        ident = block_id(header)
        time_ms = header.time_ms + BLOCK_MS
        entries = []
        for member in self.tip.validators.members:
            key = member.public_key
            vote = Vote(VoteKind.PRECOMMIT, header.height, 0, ident, time_ms, key, UNSIGNED)
            signature = self._keys[key].sign(sign_bytes(self.tip.chain_id, vote))
            entries.append(Entry(key, time_ms, signature))
        return Certificate(VoteKind.PRECOMMIT, header.height, 0, ident, tuple(entries))
