"""The second level of the objective: weights that make the optimum unique, free of labels.

The weight of an edge depends on the seed and the two participants' ids only, never on the order
of obligations or on how participants are numbered. It is part of the rule, so solver and checker
share it.
"""

from collections.abc import Sequence
from hashlib import sha256
from itertools import compress
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netting.graph import Index, Ints, ParticipantId

_DIGEST_WORDS: Final = 4
"""Words of 8 bytes in a SHA-256 digest."""

Anchors: TypeAlias = NDArray[np.uint64]

DOMAIN: Final = b"dcn/netting/tie-break/1"

WEIGHT_BITS: Final = 36
"""Weights lie in 1 .. 2^36: two optima tie with a chance of about edges / 2^36."""

WEIGHT_MAX: Final = 1 << WEIGHT_BITS


def anchors(ids: Sequence[ParticipantId], seed: bytes, debtor: Index, creditor: Index) -> Anchors:
    """uint64[n]: first 8 bytes (little-endian) of SHA-256(domain, len(seed), seed, id).

    Of the participants on the edges debtor -> creditor only; the others get 0.
    """
    assert len(seed) < 256, len(seed)
    asked = np.zeros(len(ids), np.bool_)
    asked[debtor] = True
    asked[creditor] = True
    prefix = DOMAIN + bytes((len(seed),)) + seed
    names = [name.encode() if isinstance(name, str) else name for name in compress(ids, asked)]
    # Half the time of a check with many members goes into this line.
    digests = b"".join([sha256(prefix + name).digest() for name in names])
    found = np.zeros(len(ids), np.uint64)
    found[asked] = np.frombuffer(digests, "<u8")[::_DIGEST_WORDS]
    return found


def weights(anchor: Anchors, debtor: Index, creditor: Index) -> Ints:
    """int64[E]: 1 + the top 36 bits of splitmix64(a_debtor + rotl(a_creditor, 32))."""
    to = anchor.take(creditor)
    mixed = anchor.take(debtor) + ((to << np.uint64(32)) | (to >> np.uint64(32)))
    return 1 + (splitmix64(mixed) >> np.uint64(64 - WEIGHT_BITS)).astype(np.int64)


def splitmix64(x: Anchors) -> Anchors:
    """The output function of SplitMix64 (Steele, Lea, Flood 2014), wrapping in 64 bits."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
