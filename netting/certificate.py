"""The bytes a proposer ships so that everybody can rebuild and check the cancelled flows.

First byte: the kind.

* OPTIMAL: the potentials p, then q, of the n participants in order, each list as the
  differences from one to the next (the first from 0), zigzag LEB128.
* MAXIMAL (greedy): the rank of each participant in the residual; two bits per edge (0 nothing,
  1 a part, 2 all of it cancelled), four edges to a byte; the parts. All LEB128.

The decoder is bounded by the size of the bytes, and every number is range-checked before it is
used.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from netting.errors import CertificateRefused
from netting.graph import Graph, Ints
from netting.tiebreak import WEIGHT_MAX
from netting.varint import Bytes, pack, unpack, unzigzag, zigzag
from wire.limits import CERTIFICATE_BYTES_MAX


class Objective(IntEnum):
    """What a certificate proves of the amount cancelled: the first byte on the wire."""

    OPTIMAL = 1
    """No circulation cancels more, and none other cancels as much by the tie-break."""
    MAXIMAL = 2
    """No cycle is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Potentials:
    """Dual prices of the two levels; int64[n] each."""

    p: Ints
    q: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Greedy:
    """Flows and the order that shows that no cycle is left."""

    rank: Ints
    """int64[n]: falls along every edge that still owes."""
    flows: Ints
    """int64[E]: cancelled on each edge."""


def p_max(n: int) -> int:
    """Largest |p|: a tight path has at most n - 1 edges of cost 1."""
    return n


def q_max(n: int) -> int:
    """Largest |q|: a tight path has at most n - 1 edges of weight 2^36."""
    return (n + 1) * WEIGHT_MAX


def encode(certificate: Potentials | Greedy, graph: Graph) -> bytes:
    """The certificate's one encoding."""
    if isinstance(certificate, Potentials):
        lists = (certificate.p, certificate.q)
        deltas = np.concatenate([np.diff(values, prepend=np.int64(0)) for values in lists])
        return bytes((Objective.OPTIMAL,)) + pack(zigzag(deltas))
    flows = certificate.flows
    state = np.where(flows == graph.amount, 2, np.minimum(flows, 1)).astype(np.uint8)
    padded = np.zeros(_state_bytes(graph) * 4, np.uint8)
    padded[: len(state)] = state
    quads = padded.reshape(-1, 4) << np.array([0, 2, 4, 6], np.uint8)
    states: bytes = np.bitwise_or.reduce(quads, axis=1).astype(np.uint8).tobytes()
    return bytes((Objective.MAXIMAL,)) + pack(certificate.rank) + states + pack(flows[state == 1])


def decode(data: bytes, graph: Graph) -> Potentials | Greedy:
    """The certificate in `data`, its numbers in range; raises `CertificateRefused`."""
    if len(data) > CERTIFICATE_BYTES_MAX:
        raise CertificateRefused(f"has {len(data)} bytes, at most {CERTIFICATE_BYTES_MAX} allowed")
    match data[:1]:
        case b"\x01":
            return _decode_potentials(np.frombuffer(data, np.uint8, offset=1), graph.n)
        case b"\x02":
            return _decode_greedy(np.frombuffer(data, np.uint8, offset=1), graph)
        case kind:
            raise CertificateRefused(f"no certificate is of kind {kind.hex() or 'nothing'}")


def _decode_potentials(body: Bytes, n: int) -> Potentials:
    read = unpack(body, 2 * n)
    if read is None or read[1] != len(body):
        raise CertificateRefused(f"potentials of {n} participants expected, in shortest form")
    deltas = unzigzag(read[0])
    return Potentials(
        _accumulate(deltas[:n], p_max(n), "p"),
        _accumulate(deltas[n:], q_max(n), "q"),
    )


def _accumulate(deltas: Ints, bound: int, name: str) -> Ints:
    """Running sums, each within +-bound.

    A sum may wrap around; then it is not `delta` away from the one before it, which is in range.
    """
    values = np.cumsum(deltas)
    inside = (values >= -bound) & (values <= bound)
    if not inside.all() or (np.diff(values, prepend=np.int64(0)) != deltas).any():
        raise CertificateRefused(f"a potential {name} lies outside +-{bound}")
    if (np.abs(deltas) > 2 * bound).any():
        raise CertificateRefused(f"a potential {name} lies outside +-{bound}")
    return values


def _state_bytes(graph: Graph) -> int:
    return (graph.pairs + 3) // 4


def _decode_greedy(body: Bytes, graph: Graph) -> Greedy:
    read = unpack(body, graph.n)
    if read is None or (read[0] >= graph.n).any():
        raise CertificateRefused(f"ranks of {graph.n} participants expected")
    rank, at = read
    packed = body[at : at + _state_bytes(graph)]
    if len(packed) < _state_bytes(graph):
        raise CertificateRefused(f"states of {graph.pairs} edges expected")
    states = ((packed[:, None] >> np.array([0, 2, 4, 6], np.uint8)) & 3).reshape(-1)
    if (states == 3).any() or states[graph.pairs :].any():
        raise CertificateRefused("an edge's state is 0, 1 or 2, and the padding 0")
    partial = np.flatnonzero(states == 1)
    parts = unpack(body[at + len(packed) :], len(partial))
    if parts is None or at + len(packed) + parts[1] != len(body):
        raise CertificateRefused(f"{len(partial)} parts expected, in shortest form")
    if ((parts[0] < 1) | (parts[0] >= graph.amount[partial])).any():
        raise CertificateRefused("a part is less than all and more than nothing")
    flows = np.where(states[: graph.pairs] == 2, graph.amount, 0)
    flows[partial] = parts[0]
    return Greedy(rank, flows)
