"""The tip of the chain: everything the next block has to agree with. An immutable value."""

from typing import Self

import msgspec

from consensus.messages import Certificate
from consensus.rotation import Rotation, advanced, rotation_at_genesis, updated
from consensus.validators import Validator, ValidatorSet, median_time_ms
from ledger import objects as o
from ledger import tables as t
from ledger.apply import Applied
from ledger.genesis import Genesis, genesis_hash, genesis_state
from ledger.receipts import Receipt, receipts_root, results_root
from ledger.recovery import SignedRecovery
from ledger.state import State
from node.blocks import Block, block_id
from wire.codec import Digest, digest_of
from wire.merkle import root


class Tip(msgspec.Struct, frozen=True):
    """The state after the last decided block, and what its successor's header must say."""

    chain_id: str
    height: int
    """Of the last decided block; 0 before block 1."""
    block_id: Digest
    """Of the last decided block; the genesis hash before block 1."""
    time_ms: int
    state: State
    commit: Certificate | None
    """That decided the last block; None before block 1."""
    receipts_root: bytes
    results_root: bytes
    last_validators: ValidatorSet
    """Who decided the last block."""
    validators: ValidatorSet
    """Who decides block height + 1."""
    next_validators: ValidatorSet
    """Who decides block height + 2: changes of the ledger take effect two heights later."""
    rotation: Rotation
    """Of block height + 1."""
    recovery: SignedRecovery | None = None
    """That block height + 1 must carry: the members have put other validators in place."""

    @classmethod
    def at_genesis(cls, genesis: Genesis) -> Self:
        """The tip before block 1."""
        state = genesis_state(genesis)
        validators = validators_of(state)
        return cls(
            chain_id=genesis.chain_id,
            height=0,
            block_id=genesis_hash(genesis),
            time_ms=genesis.time_ms,
            state=state,
            commit=None,
            receipts_root=root([]),
            results_root=root([]),
            last_validators=validators,
            validators=validators,
            next_validators=validators,
            rotation=rotation_at_genesis(validators),
        )

    def extended(self, block: Block, commit: Certificate, applied: Applied) -> Self:
        """The tip after `block`."""
        return self.moved(
            block, commit, applied.state, applied.receipts, results_root(applied.results)
        )

    def moved(
        self,
        block: Block,
        commit: Certificate,
        state: State,
        receipts: tuple[Receipt, ...],
        results: bytes,
    ) -> Self:
        """As `extended`, from the parts that a store keeps."""
        upcoming = validators_of(state)
        rotation = self.rotation
        if self.next_validators != self.validators:
            rotation = updated(rotation, self.next_validators)
        return type(self)(
            chain_id=self.chain_id,
            height=block.header.height,
            block_id=block_id(block.header),
            time_ms=block.header.time_ms,
            state=state,
            commit=commit,
            receipts_root=receipts_root(receipts),
            results_root=results,
            last_validators=self.validators,
            validators=self.next_validators,
            next_validators=upcoming,
            rotation=advanced(rotation),
        )

    def recovered(self, signed: SignedRecovery) -> Self:
        """This tip with the validators that a recovery, which fits it, puts in place at once.

        The rotation begins anew: nobody can gain turns by it, and it depends on nothing lost.
        """
        entries = signed.recovery.validators
        validators = ValidatorSet(Validator(x.consensus_key, x.power) for x in entries)
        return msgspec.structs.replace(
            self,
            validators=validators,
            next_validators=validators,
            rotation=rotation_at_genesis(validators),
            recovery=signed,
        )

    @property
    def recovery_digest(self) -> Digest | None:
        """Of the recovery that block height + 1 must carry, whoever has signed it."""
        return None if self.recovery is None else digest_of(self.recovery.recovery)

    @property
    def first_round(self) -> int:
        """In which block height + 1 is first proposed: 0, but after a recovery."""
        return 0 if self.recovery is None else self.recovery.recovery.round

    def seed_link(self, validator: bytes) -> bytes:
        """The last link of the validator's seed chain that the ledger knows."""
        named = () if self.recovery is None else self.recovery.recovery.validators
        for entry in named:
            if entry.consensus_key == validator:
                return entry.seed_link
        return self.state.must(t.SEEDS, t.SEEDS.key(validator)).link

    def next_time_ms(self) -> int:
        """The time block height + 1 must bear: genesis time, then the median of the commit."""
        return self.time_ms if self.commit is None else self.time_by(self.commit)

    def time_by(self, commit: Certificate) -> int:
        """The time of a successor that carries `commit` of the last block."""
        return median_time_ms(commit, self.last_validators)


def validators_of(state: State) -> ValidatorSet:
    """The validator set that the ledger names: active members with power."""
    rows = [state.must(t.MEMBERS, key) for key in state.indexed(t.MEMBERS, o.Role.VALIDATOR)]
    return ValidatorSet(
        Validator(row.consensus_key, row.power)
        for row in rows
        if row.consensus_key is not None and row.power > 0 and row.state == o.MemberState.ACTIVE
    )
