"""What the keystore signs when a client of the API asks, and when two people must have wanted it.

The member's own rule, of its own configuration (section `policy`): by role of key and by asset.
The ledger knows nothing of it, and holders of the keys themselves (`dcn tx sign`) are not bound.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from ledger import actions as act
from ledger import tables as t
from ledger.objects import Instrument, KeyRole, Trade
from ledger.sets import minor_units
from ledger.state import State
from ledger.transactions import Transaction, tx_id, utis
from node.config import PolicySection
from node.signed_record import DAY_MS, Entry, SignedRecord
from wire.codec import encode, sha256
from wire.errors import Rejection
from wire.limits import AMOUNT_MAX


class RoleNotSigned(Rejection):
    """The policy has no key of this role sign on request."""

    code = "POLICY_ROLE"
    remedy = "Name the role in `policy.sign` of config.toml, or sign with `dcn tx sign`."


class AboveLimit(Rejection):
    """The policy has nobody sign for so much at once."""

    code = "POLICY_LIMIT"
    remedy = "Ask for less, or have the operator raise the role's limit in config.toml."


class AboveDay(Rejection):
    """The policy has nobody sign for more on this day."""

    code = "POLICY_DAY"
    remedy = (
        "Ask for what is left, wait for the next day (UTC, of the ledger's time), or have the "
        "operator raise the role's `daily_` limit in config.toml."
    )


class NeedsApproval(Rejection):
    """The amount is above that which one client may have signed alone."""

    code = "POLICY_FOUR_EYES"
    remedy = "Send it to /v1/sign: there it waits for the approval of another client."


ROLES: Final = (KeyRole.TRADE, KeyRole.TREASURY, KeyRole.GOVERNANCE)
"""Keys of a home that sign transactions."""

Amounts = Mapping[str, int]
"""Minor units by asset."""

Part = tuple[str, Amounts]
"""Of exactly what a signature is for, by its hash, and what it moves or puts at stake."""


class Policy:
    """The rules of one node."""

    def __init__(self, section: PolicySection, record: SignedRecord | None = None) -> None:
        """`record`: what has been signed before; None: nothing has, and it is kept in memory."""
        self._section = section
        self._record = record or SignedRecord()

    def allow(self, state: State, roles: Iterable[KeyRole], action: act.Action) -> bool:
        """Whether one client suffices for keys of these roles to sign an action; False: another
        must approve. Raises `RoleNotSigned`, `AboveLimit`, `AboveDay`, `SignedRecordDamaged`."""
        amounts = amounts_of(state, action)
        asked = tuple(roles)
        alone = {self._allow(role, amounts) for role in asked}  # every role is asked
        for role in asked:
            self._check_day(state, role, amounts or {})
        return alone == {True}

    def check_trades(
        self, state: State, actions: Iterable[act.RegisterTrade | act.TradeBatch]
    ) -> None:
        """That one client suffices for the trade key to sign each of these in affirmation; raises
        `AboveLimit`, `NeedsApproval`, and of all together `AboveDay`."""
        together: Counter[str] = Counter()
        for action in actions:
            amounts = amounts_of(state, action)
            if not self._within(KeyRole.TRADE, amounts):
                raise NeedsApproval(f"{utis(action)[0]}: {_said(amounts)}")
            together.update(amounts or {})
        self._check_day(state, KeyRole.TRADE, together)

    def count(self, state: State, roles: Iterable[KeyRole], tx: Transaction) -> None:
        """Keys of these roles are about to sign this; raises `SignedRecordDamaged`."""
        self._count(state, roles, _parts(state, tx))

    def count_trades(self, state: State, trades: Iterable[Trade]) -> None:
        """The trade key is about to sign these; raises `SignedRecordDamaged`."""
        parts = [_part_of_trade(state, trade) for trade in trades]
        self._count(state, (KeyRole.TRADE,), parts)

    def has_signed(self, state: State, roles: Iterable[KeyRole], tx: Transaction) -> bool:
        """Whether keys of these roles have signed this today or yesterday."""
        idents = [ident for ident, _ in _parts(state, tx)]
        return all(self._record.has(role.name.lower(), ident) for role in roles for ident in idents)

    def _count(self, state: State, roles: Iterable[KeyRole], parts: list[Part]) -> None:
        day = self._day(state)
        self._record.add(
            Entry(day, role.name.lower(), ident, dict(amounts))
            for role in roles
            for ident, amounts in parts
        )

    def _check_day(self, state: State, role: KeyRole, amounts: Amounts) -> None:
        name = role.name.lower()
        daily: Mapping[str, int] = getattr(self._section, f"daily_{name}", {})
        if not daily:
            return
        day = self._day(state)
        signed = self._record.of(day, name)
        for asset, amount in amounts.items():
            most = daily.get(asset, 0)
            left = max(0, most - signed.get(asset, 0))
            if amount > left:
                date = datetime.fromtimestamp(day * DAY_MS // 1_000, UTC).date()
                raise AboveDay(f"{name}: {amount} {asset}, {left} left of {most} on {date}")

    def _day(self, state: State) -> int:
        """That of the ledger, or of the last signature, if the node's blocks are behind it: days
        that it catches up with are over."""
        ledger = state.must(t.NETWORK, t.network_key()).time_ms // DAY_MS
        return max(ledger, self._record.newest())

    def _allow(self, role: KeyRole, amounts: Amounts | None) -> bool:
        if role.name.lower() not in self._section.sign:
            raise RoleNotSigned(role.name.lower())
        return self._within(role, amounts)

    def _within(self, role: KeyRole, amounts: Amounts | None) -> bool:
        """Whether amounts stay below those for which two are needed. What has no amount, as a
        vote or an amendment, needs two wherever the role has a rule."""
        name = role.name.lower()
        limits: Mapping[str, int] = getattr(self._section, f"limit_{name}", {})
        two_above: Mapping[str, int] = getattr(self._section, f"two_above_{name}", {})
        if amounts is None:
            daily: Mapping[str, int] = getattr(self._section, f"daily_{name}", {})
            return not (limits or two_above or daily) and role != KeyRole.GOVERNANCE
        for asset, amount in amounts.items():
            if limits and amount > limits.get(asset, 0):
                most = limits.get(asset, 0)
                raise AboveLimit(f"{name}: {amount} {asset}, at most {most}")
        return not two_above or all(
            amount <= two_above.get(asset, 0) for asset, amount in amounts.items()
        )


def _parts(state: State, tx: Transaction) -> list[Part]:
    """A trade counts once, in whatever transaction; anything else by transaction."""
    match tx.action:
        case act.RegisterTrade(trade=trade):
            return [_part_of_trade(state, trade)]
        case act.TradeBatch(trades=trades):
            return [_part_of_trade(state, trade) for trade in trades]
        case action:
            return [(tx_id(tx).hex(), amounts_of(state, action) or {})]


def _part_of_trade(state: State, trade: Trade) -> Part:
    return sha256(encode(trade)).hex(), _notionals(state, (trade,)) or {}


def amounts_of(state: State, action: act.Action) -> Amounts | None:
    """What an action moves or puts at stake; None: that is not known.

    Of trades it is the notional, at the last mark if that is more than the price agreed: what is
    sold for next to nothing is given away.
    """
    match action:
        case act.RegisterTrade(trade=trade):
            return _notionals(state, (trade,))
        case act.TradeBatch(trades=trades):
            return _notionals(state, trades)
        case (
            act.SubstituteCollateral(give=asset, give_amount=amount)
            | act.Mint(asset=asset, amount=amount)
            | act.Redeem(asset=asset, amount=amount)
            | act.Transfer(asset=asset, amount=amount)
            | act.PostIm(asset=asset, amount=amount)
            | act.ReturnExcessIm(asset=asset, amount=amount)
        ):
            return {asset: amount} if 0 < amount <= AMOUNT_MAX else None  # the ledger refuses it
        case _:
            return None


def _notionals(state: State, trades: Iterable[Trade]) -> Amounts | None:
    found: Counter[str] = Counter()
    for trade in trades:
        instrument = state.get(t.INSTRUMENTS, t.INSTRUMENTS.key(trade.instrument))
        if instrument is None:
            return None  # the ledger refuses it
        exponent = state.must(t.ASSETS, t.ASSETS.key(instrument.currency)).exponent
        price = max(trade.price, _last_mark(state, instrument))
        notional = minor_units(trade.quantity, price, instrument, exponent)
        if trade.quantity < 1 or not 0 <= notional <= AMOUNT_MAX:
            return None  # nor does it take this: what is less than nothing is not to be counted
        found[instrument.currency] += notional
    return found


def _last_mark(state: State, instrument: Instrument) -> int:
    """0 as long as there is none."""
    closed = state.must(t.NETWORK, t.network_key()).closed_date
    mark = None if closed is None else state.get(t.MARKS, t.MARKS.key(instrument.feed, closed))
    return 0 if mark is None else mark.value


def _said(amounts: Amounts | None) -> str:
    if amounts is None:
        return "an amount that is not known"
    return ", ".join(f"{amount} {asset}" for asset, amount in sorted(amounts.items()))
