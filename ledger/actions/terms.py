"""Bilateral terms, signed by both parties."""

from ledger.objects import Csa
from wire.codec import Record


class RegisterCsa(Record, frozen=True, tag=17):
    """Two parties put their credit support annex on the ledger."""

    csa: Csa


class AmendCsa(Record, frozen=True, tag=18):
    """Two parties put a new version in the place of the old one."""

    csa: Csa
