"""What the API answers to who submits something, or asks what became of it."""

from typing import Literal

from ledger.actions import Action
from node.apitypes.answers import Answer
from node.apitypes.shown import Hex, Shown


class Accepted(Answer, frozen=True):
    """What was accepted, on disk when the answer comes."""

    tx_id: Hex
    status: Literal["waiting", "pending"]


class Entered(Answer, frozen=True):
    """How many trades were entered."""

    entered: int


class Followed(Answer, frozen=True):
    """What became of a transaction: `pending`, `decided`, `rejected` or `expired`."""

    tx_id: Hex
    status: str
    code: str
    detail: str
    height: int


class Signer(Answer, frozen=True):
    """Who has to sign, and whether it has."""

    lei: str
    role: str
    signed: bool


class Checked(Answer, frozen=True):
    """What would become of a transaction; `code` is OK or that of the rejection."""

    tx_id: Hex
    code: str
    detail: str
    signers: list[Signer]
    action: Shown[Action]
    valid_until: int


class TradeChecked(Answer, frozen=True):
    """What the ledger would say of a trade; `code` is OK or that of the rejection."""

    uti: str
    code: str
    detail: str
    remedy: str


class SigningRequest(Answer, frozen=True):
    """What a client has asked the home's keys to sign. `held`: another client must approve it
    before `expires_ms`; `signed`: `tx` has the signatures; then it was sent on, if that was asked:
    `affirming` or `submitted`. `id` is that of the transaction."""

    id: Hex
    status: Literal["held", "signed", "affirming", "submitted"]
    client: str
    approved_by: str
    roles: list[str]
    action: Shown[Action]
    then: Literal["return", "affirm", "submit"]
    expires_ms: int
    tx: Hex
    """Empty while it is held."""


class Refused(Answer, frozen=True):
    """A request that will not be signed."""

    id: Hex
    status: Literal["refused"]


class MarksTaken(Answer, frozen=True):
    """Bytes of the marks that precommits will carry."""

    bytes: int


class Pruning(Answer, frozen=True):
    """What pruning deletes, or would: blocks from `oldest` up to, not including, `keep_from`.

    `because`: what asks for the blocks from there on: `retain` (the request), `sync` (peers that
    take the oldest snapshot), `statements` (of the last business dates), `no snapshot` (yet).
    """

    oldest: int
    keep_from: int
    blocks: int
    bytes: int
    because: str
    begun: bool


class EvidenceTaken(Answer, frozen=True):
    """Pieces taken in."""

    received: int
