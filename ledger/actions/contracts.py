"""The life of a contract after registration: every change takes all whom it concerns."""

from ledger.objects import Trade
from wire.codec import Record
from wire.ids import Party, Uti


class AmendTrade(Record, frozen=True, tag=28):
    """Both parties put new terms in the place of a live contract's; parties and UTI stay."""

    trade: Trade


class CancelTrade(Record, frozen=True, tag=29):
    """Both parties undo a live contract: what it has moved goes back in the next cycle."""

    buyer: Party
    seller: Party
    uti: Uti


class RequestTermination(Record, frozen=True, tag=30):
    """A party asks to end a contract, or a part of it, at a price."""

    party: Party
    uti: Uti
    quantity: int
    price: int


class ConfirmTermination(Record, frozen=True, tag=31):
    """The other party agrees: the part ends at that price, in the next cycle."""

    party: Party
    uti: Uti
    quantity: int
    price: int
    """As requested: what is confirmed cannot be changed in between."""


class ProposeNovation(Record, frozen=True, tag=32):
    """A party hands its side of a contract over; the two others consent."""

    leaving: Party
    entering: Party
    uti: Uti
    new_uti: Uti
    payment: int
    """Minor units, from the leaving to the entering party; negative: the other way."""


class ConsentNovation(Record, frozen=True, tag=33):
    """The entering or the remaining party agrees; with the last consent it happens."""

    party: Party
    uti: Uti
    new_uti: Uti
    payment: int
