"""One round: freeze obligations, certify, clear the cycles, publish pay-ins, settle.

The one entrance for the ledger. A round has one service and any number of assets, all linked.
Legs of instructions (DvP, PvP) settle whole or not at all, so they are neither set off nor
cancelled in cycles; they take part in the settlement.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeAlias

import numpy as np

from netting.allot import allot
from netting.certificate import Objective
from netting.check import check
from netting.errors import BadObligations, CertificateRefused
from netting.graph import (
    Flags,
    Graph,
    Ints,
    ParticipantId,
    SetOff,
    aggregate,
    compact,
    edges_of,
    exact_sum,
    refuse_bad,
    set_off,
)
from netting.greedy import greedy
from netting.settle import Legs, leg_nets
from netting.solve import Solver, solve
from netting.varint import pack, unpack
from wire.limits import AMOUNT_MAX


class Obligation(Protocol):
    """What a round has to know of an obligation."""

    @property
    def id(self) -> bytes | str: ...
    @property
    def debtor(self) -> ParticipantId: ...
    @property
    def creditor(self) -> ParticipantId: ...
    @property
    def asset(self) -> str: ...
    @property
    def amount(self) -> int:
        """Minor units, at least 1."""
        ...

    @property
    def due(self) -> int:
        """When it fell due, in any unit: older obligations are discharged first."""
        ...

    @property
    def instruction(self) -> bytes | str | None:
        """Legs of one instruction settle together or not at all."""
        ...


@dataclass(frozen=True, slots=True)
class Due:
    """An obligation that owns its fields; the ledger may use any record of the same shape."""

    id: bytes | str
    debtor: ParticipantId
    creditor: ParticipantId
    asset: str
    amount: int
    due: int = 0
    instruction: bytes | str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What may be cancelled in one asset."""

    obligations: Ints
    """int64[k]: which obligations of the round, oldest first."""
    edge: Ints
    """int64[k]: the edge of `gross` each belongs to."""
    gross: Graph
    rest: SetOff
    graph: Graph
    """What is certified: `rest.graph` on its own participants only."""
    ids: tuple[ParticipantId, ...]
    """The participants of `graph`, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Frozen obligations; equal for everybody who freezes the same ones, in whatever order."""

    obligations: tuple[Obligation, ...]
    """m of them, oldest first: in order of (due, id)."""
    participants: tuple[ParticipantId, ...]
    """n of them, in order."""
    assets: tuple[str, ...]
    """In order."""
    legs: Legs
    """All obligations, in order, with their full amounts."""
    pools: tuple[Pool, ...]
    """One per asset."""

    def questions(self) -> "tuple[Question, ...]":
        """What a solver has to know, one per asset."""
        return tuple((pool.graph, pool.ids) for pool in self.pools)

    def certify(self, seed: bytes, *, solver: Solver | None = None) -> bytes:
        """The certificate of all assets."""
        return certify(self.questions(), seed, solver=solver)

    def certify_greedily(self) -> bytes:
        """The same with MAXIMAL certificates, for a proposer whose time box has run out."""
        return _join([greedy(pool.graph) for pool in self.pools])

    def clear(self, seed: bytes, certificate: bytes) -> "ClearedRound":
        """What `certificate` proves cancelled; raises `CertificateRefused`."""
        cancelled = np.zeros(len(self.obligations), np.int64)
        results = []
        parts = split(certificate, len(self.pools))
        for asset, pool, part in zip(self.assets, self.pools, parts, strict=True):
            proven = check(pool.graph, pool.ids, seed, part)
            flows = pool.rest.cancelled.copy()
            flows[pool.rest.kept] += proven.flows
            amounts = self.legs.amount[pool.obligations]
            cancelled[pool.obligations] = allot(pool.edge, amounts, flows)
            results.append(
                AssetResult(
                    asset,
                    gross=exact_sum(amounts),
                    set_off=exact_sum(pool.rest.cancelled),
                    cycled=proven.total,
                    objective=proven.objective,
                    flows=flows,
                )
            )
        return ClearedRound(self, tuple(results), cancelled)


Question: TypeAlias = tuple[Graph, tuple[ParticipantId, ...]]
"""A graph to be solved, and its participants in order."""


def certify(questions: Sequence[Question], seed: bytes, *, solver: Solver | None = None) -> bytes:
    """The certificate of all assets: the lengths as LEB128, then the bytes of each."""
    return _join([solve(graph, ids, seed, solver=solver) for graph, ids in questions])


@dataclass(frozen=True, slots=True, eq=False)
class AssetResult:
    """What was cancelled in one asset, minor units."""

    asset: str
    gross: int
    """Of the obligations that may be cancelled (legs of instructions apart)."""
    set_off: int
    """Cancelled within pairs, both sides counted."""
    cycled: int
    """Cancelled in cycles."""
    objective: Objective
    flows: Ints
    """int64[E of the pool's gross graph]: cancelled per ordered pair, both ways together."""


@dataclass(frozen=True, slots=True, eq=False)
class ClearedRound:
    """A round after its cycles."""

    round: Round
    results: tuple[AssetResult, ...]
    cancelled: Ints
    """int64[m]: cancelled of each obligation."""

    def legs(self) -> Legs:
        """What is left to settle: for `netting.settle.settle`."""
        legs = self.round.legs
        left = legs.amount - self.cancelled
        return Legs(
            legs.n, legs.assets, legs.debtor, legs.creditor, legs.asset, left, legs.instruction
        )

    def nets(self) -> Ints:
        """int64[n, assets]: to receive minus to pay; cycles do not change it."""
        return leg_nets(self.round.legs)


def freeze(obligations: Iterable[Obligation], out: Collection[ParticipantId] = ()) -> Round:
    """A round of `obligations`; ids are unique, and all of one type, as are participants'.

    `out`: who stays out beforehand; no obligation of theirs is part of the round, nor any leg of
    an instruction that has a leg of theirs. Raises `BadObligations` (see `aggregate`), also for an
    id that occurs twice.
    """
    joining = _without(tuple(obligations), out)
    ordered = tuple(sorted(joining, key=lambda one: (one.due, one.id)))
    _refuse_what_no_array_holds(ordered)
    participants = tuple(
        sorted({one.debtor for one in ordered} | {one.creditor for one in ordered})
    )
    assets = tuple(sorted({one.asset for one in ordered}))
    legs = _legs(ordered, participants, assets)
    alone = np.fromiter((one.instruction is None for one in ordered), np.bool_, len(ordered))
    pools = tuple(_pool(legs, asset, participants, alone) for asset in range(len(assets)))
    return Round(ordered, participants, assets, legs, pools)


def _without(
    obligations: Sequence[Obligation], out: Collection[ParticipantId]
) -> Sequence[Obligation]:
    """The obligations that touch nobody in `out`, alone or through their instruction."""
    touching = [one.debtor in out or one.creditor in out for one in obligations]
    pairs = list(zip(obligations, touching, strict=True))
    broken = {one.instruction for one, touched in pairs if touched} - {None}
    return [one for one, touched in pairs if not touched and one.instruction not in broken]


def _refuse_what_no_array_holds(obligations: Sequence[Obligation]) -> None:
    seen: set[bytes | str] = set()
    for one in obligations:
        if one.id in seen:
            raise BadObligations(f"obligation {one.id!r} is there twice")
        if not 1 <= one.amount <= AMOUNT_MAX:
            raise BadObligations(f"amounts lie in 1 to {AMOUNT_MAX}, not {one.amount}")
        seen.add(one.id)


def _legs(
    obligations: Sequence[Obligation],
    participants: Sequence[ParticipantId],
    assets: Sequence[str],
) -> Legs:
    number = {name: place for place, name in enumerate(participants)}
    asset_number = {code: place for place, code in enumerate(assets)}
    m = len(obligations)
    debtor = np.fromiter((number[one.debtor] for one in obligations), np.int64, m)
    creditor = np.fromiter((number[one.creditor] for one in obligations), np.int64, m)
    asset = np.fromiter((asset_number[one.asset] for one in obligations), np.int64, m)
    amount = np.fromiter((one.amount for one in obligations), np.int64, m)
    # A leg alone is an instruction of its own, numbered like itself.
    first: dict[bytes | str, int] = {}
    instruction = np.fromiter(
        (
            place if one.instruction is None else first.setdefault(one.instruction, place)
            for place, one in enumerate(obligations)
        ),
        np.int64,
        m,
    )
    return Legs(len(participants), len(assets), debtor, creditor, asset, amount, instruction)


def _pool(legs: Legs, asset: int, participants: Sequence[ParticipantId], alone: Flags) -> Pool:
    """What may be cancelled in `asset`; every leg of the asset is checked."""
    here = legs.asset == asset
    refuse_bad(legs.n, legs.debtor[here], legs.creditor[here], legs.amount[here])
    mine = np.flatnonzero(here & alone)
    debtor, creditor = legs.debtor[mine], legs.creditor[mine]
    gross = aggregate(legs.n, debtor, creditor, legs.amount[mine])
    rest = set_off(gross)
    graph, members = compact(rest.graph)
    ids = tuple(participants[who] for who in members.tolist())
    return Pool(mine, edges_of(gross, debtor, creditor), gross, rest, graph, ids)


def _join(certificates: list[bytes]) -> bytes:
    return pack(np.array([len(one) for one in certificates], np.int64)) + b"".join(certificates)


def split(certificate: bytes, count: int) -> list[bytes]:
    """The certificates of `count` assets out of a round's; raises `CertificateRefused`."""
    read = unpack(np.frombuffer(certificate, np.uint8), count)
    if read is None or read[1] + exact_sum(read[0]) != len(certificate):
        raise CertificateRefused(f"certificates of {count} assets expected")
    bounds = [read[1], *(read[1] + np.cumsum(read[0])).tolist()]
    return [certificate[start:end] for start, end in pairwise(bounds)]
