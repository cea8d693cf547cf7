"""Conservation laws, named and numbered as in docs/ARCHITECTURE.md, that run in production.

After every block they are checked over the rows the block touched; in full at start-up and in
`dcn verify`. A broken one is a bug: the node stops rather than diverge.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from ledger import objects as o
from ledger import tables as t
from ledger.state import Draft, State
from wire.ids import Party, member_of
from wire.limits import AMOUNT_MAX


class InvariantBroken(AssertionError):
    """A conservation law does not hold; `name` says which."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"invariant {name}: {detail}")
        self.name = name


def _conservation(draft: Draft) -> None:
    """1: per asset, the change of all balances = the change of minted - redeemed."""
    before = draft.parent
    change: dict[str, int] = defaultdict(int)
    for key, row in draft.changes.items():
        old = before.row(key)
        if key[0] == t.BALANCES.tag:
            asset = t.BALANCES.parts(key)[3]
            change[asset] += _balance(row) - _balance(old)
        elif key[0] == t.ASSETS.tag:
            asset = t.ASSETS.parts(key)[0]
            change[asset] -= _supply(row) - _supply(old)
    for asset in sorted(change):
        if change[asset]:
            raise InvariantBroken("1-conservation", f"{asset} is off by {change[asset]}")


def _nothing_negative(draft: Draft) -> None:
    """2: no balance is negative, locked <= balance, redeemed <= minted, debts are positive."""
    for key, row in draft.changes.items():
        if not _is_sound(row):
            raise InvariantBroken("2-nothing-negative", f"{t.table_of(key).name} has {row}")


def _is_sound(row: object) -> bool:
    match row:
        case o.Balance(balance=balance, locked=locked):
            return 0 <= locked <= balance <= AMOUNT_MAX
        case o.Asset(minted=minted, redeemed=redeemed):
            return 0 <= redeemed <= minted <= AMOUNT_MAX
        case o.Obligation(amount=amount):
            return 0 < amount <= AMOUNT_MAX
        case o.NettingSet(positions=positions):
            return all(0 <= p.notional <= p.bound and p.live >= 0 for p in positions)
        case _:
            return True


def _round_figures(draft: Draft) -> None:
    """3: gross = set off + cleared + remaining, and cash moved <= discharged <= remaining."""
    for row in draft.changes.values():
        if isinstance(row, o.NettingRound):
            for one in row.figures:
                adds_up = one.gross == one.set_off + one.cleared + one.remaining
                if not adds_up or not 0 <= one.cash_moved <= one.discharged <= one.remaining:
                    raise InvariantBroken("3-round-figures", f"round {row.number}: {one}")


def _round_flows(draft: Draft) -> None:
    """3: when cycles are cancelled, what each participant is relieved of as a debtor it gives up
    as a creditor, no flow exceeds its obligation, and no pair's net claim rises or turns."""
    for key, row in draft.changes.items():
        old = draft.parent.row(key)
        if not isinstance(row, o.NettingRound) or row.state != o.RoundState.CLEARED:
            continue
        if isinstance(old, o.NettingRound) and old.state == o.RoundState.CLEARED:
            continue
        owed: dict[tuple[str, str, str], int] = defaultdict(int)
        cancelled: dict[tuple[str, str, str], int] = defaultdict(int)
        surplus: dict[tuple[str, str], int] = defaultdict(int)
        for ident in row.obligations:
            debt = draft.must(t.OBLIGATIONS, t.OBLIGATIONS.key(ident))
            flow = draft.get(t.FLOWS, t.FLOWS.key(row.number, ident))
            amount = 0 if flow is None else flow.cancelled
            if not 0 <= amount <= debt.amount:
                raise InvariantBroken("3-round-flows", f"{amount} of {debt} is cancelled")
            if debt.instruction:
                # Exchanged against value, so no claim that nets: nothing of it is cancelled.
                if amount:
                    raise InvariantBroken("3-round-flows", f"{amount} of a leg is cancelled")
                continue
            slot = (debt.asset, debt.debtor, debt.creditor)
            owed[slot] += debt.amount
            cancelled[slot] += amount
            surplus[debt.asset, debt.debtor] += amount
            surplus[debt.asset, debt.creditor] -= amount
        for who, rest in surplus.items():
            if rest:
                raise InvariantBroken("3-round-flows", f"{who} is relieved of {rest} too much")
        for asset, debtor, creditor in list(owed):
            back = (asset, creditor, debtor)
            net = owed[asset, debtor, creditor] - owed[back]
            left = net - (cancelled[asset, debtor, creditor] - cancelled[back])
            if not min(0, net) <= left <= max(0, net):
                raise InvariantBroken("3-round-flows", f"{debtor} owed {net}, now {left}")


def _escrow_is_whole(draft: Draft) -> None:
    """2: what a settlement batch has in escrow is exactly what its senders have allocated."""
    for row in draft.changes.values():
        if not isinstance(row, o.Batch):
            continue
        held: dict[tuple[str, str], int] = defaultdict(int)
        for leg in row.legs:
            waits = row.state in (o.BatchState.INSTRUCTED, o.BatchState.IRREVOCABLE)
            amount = leg.amount if waits and leg.sender in row.allocated else 0
            held[leg.sender, leg.asset] += amount
        for (sender, asset), amount in held.items():
            found = draft.get(t.BALANCES, t.escrow(sender, row.creator, row.reference, asset))
            if (0 if found is None else found.balance) != amount:
                raise InvariantBroken("2-escrow", f"{sender} has {found}, must have {amount}")


def _clients_are_apart(draft: Draft) -> None:
    """2: client money lies in an account that is open; a closed account holds nothing."""
    for key, row in draft.changes.items():
        if key[0] == t.BALANCES.tag and isinstance(row, o.Balance) and row.balance:
            owner, kind, reference, _ = t.BALANCES.parts(key)
            if kind == o.AccountKind.CLIENT:
                _require_account(draft, owner, reference, row)
        if key[0] == t.CLIENTS.tag and row is None:
            owner, reference = t.CLIENTS.parts(key)
            for account in draft.indexed(t.BALANCES, t.of_member(owner)):
                held = draft.must(t.BALANCES, account)
                _, kind, name, _ = t.BALANCES.parts(account)
                if kind == o.AccountKind.CLIENT and name == reference and held.balance:
                    _require_account(draft, owner, reference, held)


def _require_account(draft: Draft, owner: str, reference: str, row: o.Balance) -> None:
    if draft.row(t.CLIENTS.key(owner, reference)) is None:
        raise InvariantBroken("2-clients", f"{owner}:{reference} is not open, and has {row}")


def _two_parties(draft: Draft) -> None:
    """6: a live contract has two different members as parties."""
    for row in draft.changes.values():
        if isinstance(row, o.Contract) and row.state == o.ContractState.LIVE:
            trade = row.trade
            if member_of(trade.buyer) == member_of(trade.seller):
                raise InvariantBroken("6-two-parties", f"{trade.uti} has one party")


def _losses_are_borne(draft: Draft) -> None:
    """5: what covers a claim and its residual are the claim; a case's loss is what was borne."""
    for key, row in draft.changes.items():
        match row:
            case o.LossClaim(amount=amount, covered=covered, residual=residual):
                if amount != sum(part.amount for part in covered) + residual:
                    raise InvariantBroken("5-losses", f"{t.LOSS_CLAIMS.parts(key)}: {row}")
            case o.DefaultCase(loss=loss, applied=applied):
                number: int = t.DEFAULT_CASES.parts(key)[0]
                shares = draft.indexed(t.LOSS_SHARES, number)
                borne = sum(draft.must(t.LOSS_SHARES, share).amount for share in shares)
                if not loss == borne == sum(part.amount for part in applied):
                    raise InvariantBroken("5-losses", f"case {number}: {row}, borne {borne}")
            case o.LossShare(amount=amount, repaid=repaid):
                if not 0 <= repaid <= amount:
                    raise InvariantBroken("5-losses", f"{t.LOSS_SHARES.parts(key)}: {row}")
            case _:
                pass


def _fund_is_whole(draft: Draft) -> None:
    """7: a member's balance in the fund is what it paid in, less what it took out and what was
    used; the fund's figures are the sums of its members'."""
    change: dict[str, int] = defaultdict(int)
    for key, row in draft.changes.items():
        if key[0] == t.CONTRIBUTIONS.tag:
            service, lei = t.CONTRIBUTIONS.parts(key)
            change[service] += _in_fund(row) - _in_fund(draft.parent.row(key))
            asset = draft.must(t.FUNDS, t.FUNDS.key(service)).asset
            _require_contribution(draft, lei, service, asset)
        elif key[0] == t.FUNDS.tag:
            change[t.FUNDS.parts(key)[0]] -= _in_fund(row) - _in_fund(draft.parent.row(key))
        elif key[0] == t.BALANCES.tag:
            lei, kind, service, asset = t.BALANCES.parts(key)
            if kind == o.AccountKind.DEFAULT_FUND:
                _require_contribution(draft, lei, service, asset)
    for service, off in sorted(change.items()):
        if off:
            raise InvariantBroken("7-fund", f"the fund of {service} is off by {off}")


def _require_contribution(draft: Draft, lei: str, service: str, asset: str) -> None:
    held = draft.get(t.BALANCES, t.contribution(lei, service, asset))
    row = draft.get(t.CONTRIBUTIONS, t.CONTRIBUTIONS.key(service, lei))
    if _balance(held) != _in_fund(row):
        raise InvariantBroken("7-fund", f"{lei} has {held} in the fund, on record is {row}")


def _in_fund(row: object) -> int:
    if isinstance(row, o.Contribution | o.DefaultFund):
        return row.paid_in + row.restored - row.withdrawn - row.used
    return 0


def _no_dangling_id(draft: Draft) -> None:
    """8: whatever a row names exists."""
    for key, row in draft.changes.items():
        for table, part in _references(key, row):
            if draft.row(table.key(part)) is None:
                raise InvariantBroken("8-no-dangling-id", f"{table.name} {part!r} of {row}")


def _references(key: bytes, row: object) -> list[tuple[t.Table[Any], str | bytes]]:
    match row:
        case o.Obligation(debtor=debtor, creditor=creditor, asset=asset):
            return [*_members(debtor, creditor), (t.ASSETS, asset)]
        case o.Balance():
            owner, _, _, asset = t.BALANCES.parts(key)
            return [(t.MEMBERS, owner), (t.ASSETS, asset)]
        case o.NettingSet(first=first, second=second):
            return _members(first, second)
        case o.NettingRound(obligations=obligations):
            return [(t.OBLIGATIONS, ident) for ident in obligations]
        case o.Contract(trade=trade):
            return [
                *_members(trade.buyer, trade.seller),
                (t.INSTRUMENTS, trade.instrument),
            ]
        case _:
            return []


def _members(*parties: Party) -> list[tuple[t.Table[Any], str | bytes]]:
    return [(t.MEMBERS, member_of(party)) for party in parties]


def _balance(row: object) -> int:
    return row.balance if isinstance(row, o.Balance) else 0


def _supply(row: object) -> int:
    return row.minted - row.redeemed if isinstance(row, o.Asset) else 0


INVARIANTS: Final[dict[str, Callable[[Draft], None]]] = {
    "1-conservation": _conservation,
    "2-nothing-negative": _nothing_negative,
    "2-escrow": _escrow_is_whole,
    "2-clients": _clients_are_apart,
    "3-round-figures": _round_figures,
    "3-round-flows": _round_flows,
    "5-losses": _losses_are_borne,
    "6-two-parties": _two_parties,
    "7-fund": _fund_is_whole,
    "8-no-dangling-id": _no_dangling_id,
}
"""4 is kept by the routes of `ledger/im.py`, which alone move what is in custody; the blocks of
every test are checked against the events that name the route (tests/ledger/world.py)."""


def check_touched(draft: Draft) -> None:
    """Check all invariants over the rows `draft` changes; raises `InvariantBroken`."""
    for check in INVARIANTS.values():
        check(draft)


def check_full(state: State) -> tuple[str, ...]:
    """Check all invariants over every row, as if all had changed from nothing; their names."""
    draft = Draft(State.empty())
    for key, row in state.rows():
        draft.take(key, row)
    check_touched(draft)
    return tuple(INVARIANTS)
