"""Why balances have moved: the parts of a block, and the events and round results behind them.

Each part of a block tells how much it has changed each account. Its events say which transfers,
margin movements and settlements those changes are made of; a round's results say it obligation by
obligation. What of a transaction no event names, the transaction itself has done.
"""

from collections.abc import Iterator, Sequence

import msgspec

from ledger import events as e
from ledger import objects as o
from ledger import tables as t
from ledger.apply import Part
from ledger.receipts import RoundResult
from ledger.state import State
from wire.ids import Lei, member_of


class UnexplainedDifference(AssertionError):
    """A balance has moved and nothing says why: a bug, here or in the ledger."""


class PartDone(msgspec.Struct, frozen=True):
    """What one part of a block has done."""

    part: Part
    tx: str
    """Id of the transaction in hex, or empty."""
    action: str
    changes: dict[bytes, int]
    """By account key; minor units."""
    contracts: dict[bytes, o.Contract]
    """As they are after it, by key."""
    events: Sequence[e.Event]
    batches: dict[tuple[str, str], o.Batch]
    """Those that the events name."""


class Line(msgspec.Struct, frozen=True):
    """A change of one account with its cause."""

    account: bytes
    amount: int
    cause: str
    counterparty: str
    about: str


def explain(
    done: PartDone, results: Sequence[RoundResult], before: State, after: State
) -> list[Line]:
    """The part's changes as lines, one for each movement; they add up to `done.changes`.

    Raises `UnexplainedDifference`.
    """
    return list(_Explanation(done, results, before, after).lines())


class _Explanation:
    def __init__(
        self, done: PartDone, results: Sequence[RoundResult], before: State, after: State
    ) -> None:
        self._done = done
        self._results = results
        self._before = before
        self._after = after
        rulebook = before.must(t.RULEBOOK, t.rulebook_key())
        self._service, self._currency = rulebook.service, rulebook.currency

    def lines(self) -> Iterator[Line]:
        left = dict(self._done.changes)
        for line in self._named():
            left[line.account] = left.get(line.account, 0) - line.amount
            yield line
        rest = {account: amount for account, amount in sorted(left.items()) if amount}
        if self._done.part == Part.ROUNDS:
            yield from self._between_own_and_blocked(rest)
        elif self._done.part == Part.TRANSACTION:
            for account, amount in rest.items():
                yield Line(account, amount, _upper(self._done.action), "", self._tx())
        elif self._done.part == Part.DEFAULTS:
            for account, amount in rest.items():
                yield Line(account, amount, "DEFAULT", "", self._cases())
        elif rest:
            raise UnexplainedDifference(f"{self._done.part.name}: {rest}")

    def _named(self) -> Iterator[Line]:
        if self._done.part == Part.ROUNDS:
            for result in self._results:
                yield from self._discharged(result)
        for event in self._done.events:
            yield from self._of(event)

    def _of(self, event: e.Event) -> Iterator[Line]:
        match event:
            case e.CashMoved(asset, sender, to, amount):
                cause = "MINT" if sender is None else "REDEEM" if to is None else "TRANSFER"
                if sender is not None:
                    source = t.own_account(sender, asset)
                    yield Line(source, -amount, cause, to or "", self._tx())
                if to is not None:
                    yield Line(self._paid(to, asset), amount, cause, sender or "", self._tx())
            case e.ImMoved():
                yield from self._margin(event)
            case e.FundMoved(member=lei, amount=amount, capital=capital):
                account = t.capital if capital else t.contribution
                yield Line(self._own(lei), -amount, "FUND", "", self._tx())
                pot = account(lei, self._service, self._currency)
                yield Line(pot, amount, "FUND", "", self._tx())
            case e.BatchSettled(creator, reference) | e.BatchCancelled(creator, reference):
                yield from self._batch(creator, reference, isinstance(event, e.BatchSettled))
            case e.BalanceReleased(lei, asset, amount):
                yield Line(t.blocked_account(lei, asset), -amount, "RELEASED", "", "white list")
                yield Line(t.own_account(lei, asset), amount, "RELEASED", "", "white list")
            case e.DebtPaid(debtor, creditor, asset, amount):
                source = t.own_account(debtor, asset)
                yield Line(source, -amount, "DEBT_PAID", creditor, self._tx())
                if not self._in_default(creditor):
                    target = self._paid(creditor, asset)
                    yield Line(target, amount, "DEBT_PAID", debtor, self._tx())
            case e.EstatePaid() | e.EstateCredited() | e.TrancheBears():
                yield from self._of_case(event)
            case _:
                return

    def _of_case(self, event: e.EstatePaid | e.EstateCredited | e.TrancheBears) -> Iterator[Line]:
        about = f"case {event.case}"
        defaulter = self._after.must(t.DEFAULT_CASES, t.DEFAULT_CASES.key(event.case)).defaulter
        match event:
            case e.EstatePaid(_, payer, amount):
                estate = t.estate(defaulter, event.case, self._currency)
                yield Line(self._own(payer), -amount, "CLOSE_OUT", defaulter, about)
                yield Line(estate, amount, "CLOSE_OUT", payer, about)
            case e.EstateCredited(_, asset, amount, reason):
                estate = t.estate(defaulter, event.case, asset)
                yield Line(estate, amount, "ESTATE", "", f"{about}: {reason}")
            case e.TrancheBears(tranche=tranche, bearer=bearer, amount=amount):
                cause = f"LOSS_{o.Tranche(tranche).name}"
                if tranche == o.Tranche.CAPITAL:
                    account = t.capital(bearer, self._service, self._currency)
                elif tranche in _FROM_CONTRIBUTIONS:
                    account = t.contribution(bearer, self._service, self._currency)
                else:
                    return
                yield Line(account, -amount, cause, defaulter, about)

    def _margin(self, event: e.ImMoved) -> Iterator[Line]:
        cause = f"IM_{event.route}"
        custody = t.im_escrow(event.poster, event.secured, event.asset)
        about = self._tx() if self._done.tx else f"initial margin, {self._done.part.name}"
        yield Line(custody, event.amount, cause, event.secured, about)
        if event.route == "CLOSE_OUT":
            if not self._in_default(event.secured):
                target = self._paid(event.secured, event.asset)
                yield Line(target, -event.amount, cause, event.poster, about)
        elif event.amount > 0:
            source = t.own_account(event.poster, event.asset)
            yield Line(source, -event.amount, cause, event.secured, about)
        else:
            target = self._paid(event.poster, event.asset)
            yield Line(target, -event.amount, cause, event.secured, about)

    def _batch(self, creator: str, reference: str, settled: bool) -> Iterator[Line]:
        row = self._done.batches[creator, reference]
        about = f"batch {creator}/{reference}"
        for leg in () if row.in_netting else row.legs:
            if leg.sender in row.allocated:
                escrow = t.escrow(leg.sender, creator, reference, leg.asset)
                to, cause = (leg.to, "BATCH") if settled else (leg.sender, "BATCH_CANCELLED")
                yield Line(escrow, -leg.amount, cause, leg.to, about)
                yield Line(self._paid(to, leg.asset), leg.amount, cause, leg.sender, about)

    def _discharged(self, result: RoundResult) -> Iterator[Line]:
        """An obligation's debtor and creditor: what is cancelled in a cycle adds up to nothing for
        each of them, so that the sum of these lines is the net cash of the round."""
        amount = result.cancelled + result.settled
        if not amount:
            return
        row = self._before.must(t.OBLIGATIONS, t.OBLIGATIONS.key(result.obligation))
        cause = o.Origin(row.origin).name
        about = f"round {result.number}, obligation {result.obligation.hex()}"
        debtor, creditor, asset = result.debtor, result.creditor, result.asset
        yield Line(t.own_account(debtor, asset), -amount, cause, creditor, about)
        yield Line(t.own_account(creditor, asset), amount, cause, debtor, about)

    def _between_own_and_blocked(self, rest: dict[bytes, int]) -> Iterator[Line]:
        """Who is off the white list is paid into, and pays also from, a blocked account."""
        for account, amount in rest.items():
            owner, kind, _, asset = t.BALANCES.parts(account)
            own, blocked = t.own_account(owner, asset), t.blocked_account(owner, asset)
            if kind not in (o.AccountKind.OWN, o.AccountKind.BLOCKED) or (
                rest.get(own, 0) + rest.get(blocked, 0)
            ):
                raise UnexplainedDifference(f"ROUNDS: {account.hex()} {amount}")
            yield Line(account, amount, "BLOCKED", "", "white list")

    def _own(self, party: str) -> bytes:
        return t.own_account(party, self._currency)

    def _paid(self, party: str, asset: str) -> bytes:
        """Where the party was paid: blocked, if that account has grown."""
        blocked = t.blocked_account(member_of(party), asset)
        own = t.own_account(party, asset)
        is_house = own == t.own_account(member_of(party), asset)
        return blocked if is_house and self._done.changes.get(blocked, 0) > 0 else own

    def _in_default(self, party: str) -> bool:
        row = self._after.get(t.MEMBERS, t.MEMBERS.key(member_of(party)))
        return row is not None and row.state == o.MemberState.DEFAULTED

    def _tx(self) -> str:
        return f"{self._done.action} {self._done.tx}" if self._done.tx else self._done.part.name

    def _cases(self) -> str:
        numbers = sorted({event.case for event in self._done.events if hasattr(event, "case")})
        return "case " + ", ".join(str(number) for number in numbers)


_FROM_CONTRIBUTIONS = (
    o.Tranche.DEFAULTER,
    o.Tranche.OWN_CONTRIBUTION,
    o.Tranche.SURVIVORS,
    o.Tranche.SURVIVORS_BY_RANK,
)


def owner_of(account: bytes) -> Lei:
    """The member that an account belongs to."""
    return Lei(t.BALANCES.parts(account)[0])


def _upper(action: str) -> str:
    """`CreateBatch` as `CREATE_BATCH`."""
    return "".join(f"_{c}" if c.isupper() else c for c in action).lstrip("_").upper()
