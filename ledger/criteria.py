"""The published criteria of admission, each a check of its own; votes decide on top of them."""

from collections.abc import Callable
from typing import Final

from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.state import Draft

Criterion = Callable[[Draft, o.Member, o.MembershipRules], None]
"""Draft, applicant, rules in force; raises `CriterionMissing`."""


def check(draft: Draft, applicant: o.Member) -> None:
    """The applicant fulfils every criterion in force; raises `CriterionMissing`."""
    rules = draft.must(t.RULEBOOK, t.rulebook_key()).membership
    for criterion in CRITERIA:
        criterion(draft, applicant, rules)


def _is_known(draft: Draft, applicant: o.Member, rules: o.MembershipRules) -> None:
    """Somebody vouches for it, still and undisputed. The authority needs nobody to vouch for it."""
    kyc = applicant.kyc
    if kyc is not None and kyc.standing == o.Standing.BLOCKED:
        raise r.CriterionMissing(f"attestation: {applicant.lei} is BLOCKED")
    if not rules.kyc_required or o.Role.REGULATOR in applicant.roles:
        return
    if kyc is None or kyc.expires is None:
        raise r.CriterionMissing(f"attestation: nobody vouches for {applicant.lei}")
    today = draft.must(t.NETWORK, t.network_key()).business_date
    if today is not None and kyc.expires < today:
        raise r.CriterionMissing(f"attestation: expired on {kyc.expires}, open is {today}")


def _has_capital(_draft: Draft, applicant: o.Member, rules: o.MembershipRules) -> None:
    has = 0 if applicant.capital is None else applicant.capital.amount
    if o.Role.MEMBER in applicant.roles and has < rules.capital_min:
        raise r.CriterionMissing(f"capital: {has} attested, needs {rules.capital_min}")


def _commits_itself(_draft: Draft, applicant: o.Member, rules: o.MembershipRules) -> None:
    has = applicant.contribution
    if o.Role.MEMBER in applicant.roles and has < rules.contribution_min:
        raise r.CriterionMissing(f"contribution: commits {has}, needs {rules.contribution_min}")


CRITERIA: Final[tuple[Criterion, ...]] = (_is_known, _has_capital, _commits_itself)
