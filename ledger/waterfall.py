"""The waterfall: who bears the losses of defaults, to the unit. Integers in, integers out.

A claim is what a creditor lost to a defaulter at close-out. Tranches stand in an order that is
data. Private ones (initial margin, retention, the creditor's own contribution) answer for one
creditor; shared ones are allocated once, over all claims of all cases that are decided together,
in proportion to what is still uncovered, by largest remainder (ties to the lowest identifier).
Every unit of a claim is borne by somebody: by a tranche, or as a named residual by its creditor.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.objects import RepayOrder, Tranche
from wire.money import BPS, Rounding, largest_remainder, muldiv

CLASSIC: Final = (Tranche.IM, Tranche.DEFAULTER, Tranche.CAPITAL, Tranche.SURVIVORS)
"""As central counterparties have it."""

CAPITAL: Final = "CAPITAL"
"""The bearer of the operator's capital, where nobody names the operator."""

DCN: Final = (
    Tranche.IM,
    Tranche.DEFAULTER,
    Tranche.RETENTION,
    Tranche.OWN_CONTRIBUTION,
    Tranche.CAPITAL,
    Tranche.SURVIVORS_BY_RANK,
)
"""Who chose the defaulter as a counterparty bears before who did not."""


class Claim(NamedTuple):
    """What a creditor lost to the defaulter of a case in one netting set, in minor units."""

    creditor: str
    debtor: str
    """The defaulter's side of the netting set: itself or one of its client accounts."""
    case: int
    member: str
    """Whose contribution is the creditor's own."""
    amount: int
    im: int
    """Of the defaulter, held for this creditor."""
    eligible: int
    """The claim as it would be without the contracts that the fund does not cover; 0: the shared
    tranches answer for none of it (a defaulter's estate, an affiliate)."""
    bearer: str = ""
    """Who has the creditor's place, having paid it (a guarantor); empty: the creditor."""


class Case(NamedTuple):
    """A defaulter and what it contributed to the fund."""

    defaulter: str
    contribution: int


class Resources(NamedTuple):
    """What there is beside initial margin."""

    cases: Mapping[int, Case]
    capital: int
    contributions: Mapping[str, int]
    """By member, the defaulters left out."""
    ranks: Mapping[str, int] = {}
    """Lower is used first; who is not named has rank 0."""
    gains: Mapping[str, int] = {}
    """Net gains of the round, for a haircut."""
    operator: str = CAPITAL
    """Whose capital it is."""


class Terms(NamedTuple):
    """Of the rulebook; shares in basis points."""

    order: tuple[Tranche, ...]
    retention_bps: int = 1_000
    cash_call_cap_bps: int = 0
    """Of the contribution."""
    gains_cap_bps: int = 0
    """Of the sum of gains."""


class Borne(NamedTuple):
    """What one bearer bears for the claims of one case."""

    case: int
    bearer: str
    amount: int


class Step(NamedTuple):
    """One tranche applied: to which claims (by their place in `Outcome.claims`), at whose cost."""

    tranche: Tranche
    rank: int
    paid: Mapping[int, int]
    borne: tuple[Borne, ...]


class Outcome(NamedTuple):
    """The claims in the order of their identifiers, and every step; the last is the residuals."""

    claims: tuple[Claim, ...]
    steps: tuple[Step, ...]


def fall(claims: Iterable[Claim], resources: Resources, terms: Terms) -> Outcome:
    """Let the losses fall through the tranches; steps that bear nothing are left out."""
    run = _Run(tuple(sorted(claims)), resources)
    steps = [step for tranche in terms.order for step in run.apply(tranche, terms)]
    steps.append(run.residuals())
    return Outcome(run.claims, tuple(step for step in steps if step.paid))


class _Run:
    """What is still open of each claim, and what is left of each resource."""

    def __init__(self, claims: tuple[Claim, ...], resources: Resources) -> None:
        self.claims = claims
        self._resources = resources
        self._open = [claim.amount for claim in claims]
        self._eligible = [min(claim.eligible, claim.amount) for claim in claims]
        self._left = dict(resources.contributions)

    def apply(self, tranche: Tranche, terms: Terms) -> Iterator[Step]:
        """The steps of one tranche: one, or one a rank."""
        match tranche:
            case Tranche.IM:
                yield self._initial_margin()
            case Tranche.DEFAULTER:
                yield self._defaulters()
            case Tranche.RETENTION:
                yield self._retention(terms.retention_bps)
            case Tranche.OWN_CONTRIBUTION:
                yield self._own_contributions()
            case Tranche.CAPITAL:
                yield self._shared(tranche, {self._resources.operator: self._resources.capital})
            case Tranche.SURVIVORS:
                yield self._survivors(tranche, 0, self._left)
            case Tranche.SURVIVORS_BY_RANK:
                yield from self._by_rank()
            case Tranche.CASH_CALL:
                yield self._cash_call(terms.cash_call_cap_bps)
            case Tranche.GAINS_HAIRCUT:
                yield self._gains_haircut(terms.gains_cap_bps)
            case Tranche.RESIDUAL:
                raise AssertionError("residuals are what every order ends with")

    def residuals(self) -> Step:
        """What no tranche has borne stays with its creditor."""
        return self._private(Tranche.RESIDUAL, dict(enumerate(self._open)), _creditor)

    # ---------------------------------------------------------------- for one creditor
    def _initial_margin(self) -> Step:
        held = {n: min(claim.im, self._open[n]) for n, claim in enumerate(self.claims)}
        cases = self._resources.cases
        return self._private(Tranche.IM, held, lambda claim: cases[claim.case].defaulter)

    def _retention(self, bps: int) -> Step:
        shares = {n: muldiv(x, bps, BPS, Rounding.FLOOR) for n, x in enumerate(self._eligible)}
        return self._private(Tranche.RETENTION, shares, _creditor)

    def _own_contributions(self) -> Step:
        paid: dict[int, int] = {}
        for member in sorted({claim.member for claim in self.claims}):
            own = {n: x for n, x in enumerate(self._eligible) if self.claims[n].member == member}
            total = min(self._left.get(member, 0), sum(own.values()))
            paid |= largest_remainder(total, own)
            if total:
                self._left[member] -= total
        return self._private(Tranche.OWN_CONTRIBUTION, paid, lambda claim: claim.member)

    def _private(
        self, tranche: Tranche, paid: Mapping[int, int], bearer: Callable[[Claim], str]
    ) -> Step:
        borne: dict[tuple[int, str], int] = defaultdict(int)
        for n, amount in paid.items():
            borne[self.claims[n].case, bearer(self.claims[n])] += amount
        return self._step(tranche, 0, paid, borne)

    # ---------------------------------------------------------------- for all
    def _defaulters(self) -> Step:
        """Each defaulter's contribution answers for the claims of its own case."""
        paid: dict[int, int] = {}
        borne: dict[tuple[int, str], int] = {}
        for number, case in sorted(self._resources.cases.items()):
            own = {n: x for n, x in enumerate(self._eligible) if self.claims[n].case == number}
            total = min(case.contribution, sum(own.values()))
            paid |= largest_remainder(total, own)
            borne[number, case.defaulter] = total
        return self._step(Tranche.DEFAULTER, 0, paid, borne)

    def _by_rank(self) -> Iterator[Step]:
        ranks = self._resources.ranks
        for rank in sorted({ranks.get(member, 0) for member in self._left}):
            alike = {m: x for m, x in self._left.items() if ranks.get(m, 0) == rank}
            yield self._survivors(Tranche.SURVIVORS_BY_RANK, rank, alike)

    def _survivors(self, tranche: Tranche, rank: int, contributions: Mapping[str, int]) -> Step:
        used = largest_remainder(
            min(sum(contributions.values()), sum(self._eligible)), contributions
        )
        for member, amount in used.items():
            self._left[member] -= amount
        return self._shared(tranche, used, rank)

    def _cash_call(self, cap_bps: int) -> Step:
        """What a cap leaves is not called from others."""
        contributions = self._resources.contributions
        wanted = largest_remainder(sum(self._eligible), contributions)
        called = {
            member: min(muldiv(contributions[member], cap_bps, BPS, Rounding.FLOOR), amount)
            for member, amount in wanted.items()
        }
        return self._shared(Tranche.CASH_CALL, called)

    def _gains_haircut(self, cap_bps: int) -> Step:
        gains = self._resources.gains
        cap = muldiv(sum(gains.values()), cap_bps, BPS, Rounding.FLOOR)
        cut = largest_remainder(min(sum(self._eligible), cap), gains)
        return self._shared(Tranche.GAINS_HAIRCUT, cut)

    def _shared(self, tranche: Tranche, offered: Mapping[str, int], rank: int = 0) -> Step:
        """Allocate what is offered, at most what is uncovered, over all claims of all cases."""
        total = min(sum(offered.values()), sum(self._eligible))
        paid = largest_remainder(total, dict(enumerate(self._eligible)))
        left = largest_remainder(total, offered)
        borne: dict[tuple[int, str], int] = {}
        for number in sorted(self._resources.cases):
            own = sum(x for n, x in paid.items() if self.claims[n].case == number)
            for bearer, amount in largest_remainder(own, left).items():
                borne[number, bearer] = amount
                left[bearer] -= amount
        return self._step(tranche, rank, paid, borne)

    def _step(
        self,
        tranche: Tranche,
        rank: int,
        paid: Mapping[int, int],
        borne: Mapping[tuple[int, str], int],
    ) -> Step:
        for n, amount in paid.items():
            self._open[n] -= amount
            self._eligible[n] = max(0, self._eligible[n] - amount)
        return Step(
            tranche,
            rank,
            {n: amount for n, amount in sorted(paid.items()) if amount},
            tuple(Borne(*slot, amount) for slot, amount in sorted(borne.items()) if amount),
        )


def _creditor(claim: Claim) -> str:
    return claim.bearer or claim.creditor


def repay(amount: int, borne: Sequence[tuple[int, int]], order: RepayOrder) -> list[int]:
    """Share a recovery of a case among those who bore its losses.

    `borne`: (place in the waterfall, what is not repaid yet) of each bearer, the defaulter's own
    resources left out. Returns what each gets; what exceeds all of it is nobody's and stays.
    """
    shares = [0] * len(borne)
    places = sorted({place for place, _ in borne}, reverse=True)
    for place in places if order == RepayOrder.REVERSE else [None]:
        alike = {n: open_ for n, (p, open_) in enumerate(borne) if place is None or p == place}
        total = min(amount, sum(alike.values()))
        for n, share in largest_remainder(total, alike).items():
            shares[n] = share
        amount -= total
    return shares
