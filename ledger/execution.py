"""Each action's rule: who signs it and what it does, in one table.

A transaction is executed on a draft of its own: it applies whole or raises its `Rejection`.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ledger import (
    admission,
    bootstrap,
    cash,
    checks,
    governance,
    kyc,
    leaving,
    membership,
    oracles,
    settlement,
    trades,
)
from ledger import objects as o
from ledger import rejections as r
from ledger.actions import (
    Action,
    Allocate,
    ApplyMembership,
    Approve,
    AttestCapital,
    AttestKyc,
    Bootstrap,
    CancelBatch,
    CastVote,
    CreateBatch,
    Exit,
    Mint,
    Propose,
    Redeem,
    RegisterTrade,
    Resign,
    RetireBootstrap,
    RevokeKyc,
    RotateKey,
    SetLimit,
    StandDown,
    SubmitOracle,
    TradeBatch,
    Transfer,
    WithdrawResignation,
)
from ledger.admission import Required
from ledger.events import Event
from ledger.state import Draft
from ledger.transactions import Transaction
from wire.ids import Lei

Signers = Callable[[Draft, Transaction], Required]
"""Who must sign a transaction with a key of which role; raises a `Rejection`."""

Run = Callable[[Draft, Any, int], list[Event]]
"""Draft, action, height of the block -> what happened; raises a `Rejection`."""


class Rule(NamedTuple):
    """Who signs an action and what it does."""

    signers: Signers
    run: Run


def _member(field: str, role: o.KeyRole) -> Signers:
    """The member that the action names in `field`, who may start transactions."""

    def signers(draft: Draft, tx: Transaction) -> Required:
        lei: Lei = getattr(tx.action, field)
        checks.acting_member(draft, lei)
        return ((lei, role),)

    return signers


def _governor(field: str = "member") -> Signers:
    return _member(field, o.KeyRole.GOVERNANCE)


def _voter(field: str) -> Signers:
    """Who leaves does not decide what becomes of those who stay."""

    def signers(draft: Draft, tx: Transaction) -> Required:
        lei: Lei = getattr(tx.action, field)
        checks.active_member(draft, lei)
        return ((lei, o.KeyRole.GOVERNANCE),)

    return signers


def _treasurer(field: str = "member") -> Signers:
    return _member(field, o.KeyRole.TREASURY)


def _issuer(draft: Draft, tx: Transaction) -> Required:
    assert isinstance(tx.action, Mint | Redeem)
    issuer = checks.asset(draft, tx.action.asset).issuer
    signers = [admission.member_of(draft, entry.key) for entry in tx.signatures]
    if issuer not in signers and any(signers):
        raise r.NotTheIssuer(f"{tx.action.asset} is issued by {issuer}")
    return ((issuer, o.KeyRole.TREASURY),)


def _parties(draft: Draft, tx: Transaction) -> Required:
    """Buyer and seller; a batch is of one pair, which its first trade names."""
    match tx.action:
        case RegisterTrade(trade=trade) | TradeBatch(trades=(trade, *_)):
            trades.check_parties(draft, trade)
            return tuple((lei, o.KeyRole.TRADE) for lei in trades.members_of(trade))
        case _:
            raise r.BadBatch("has no trades")


def _oracle(draft: Draft, tx: Transaction) -> Required:
    assert isinstance(tx.action, SubmitOracle)
    lei = tx.action.oracle
    if o.Role.ORACLE not in checks.acting_member(draft, lei).roles:
        raise r.NotAnOracle(f"{lei} has no oracle role")
    return ((lei, o.KeyRole.ORACLE),)


def _bootstrap(draft: Draft, tx: Transaction) -> Required:
    """The key itself, which the action names, signs (`new_keys`); it is no member's."""
    assert isinstance(tx.action, Bootstrap | RetireBootstrap)
    bootstrap.check_key(draft, tx.action.key)
    return ()


def _nobody(_draft: Draft, _tx: Transaction) -> Required:
    """Whose keys are not known yet; those it brings sign (`new_keys`)."""
    return ()


RULES: Final[dict[type[Action], Rule]] = {
    Mint: Rule(_issuer, lambda draft, action, _: cash.mint(draft, action)),
    Redeem: Rule(_issuer, lambda draft, action, _: cash.redeem(draft, action)),
    Transfer: Rule(_treasurer("sender"), lambda draft, action, _: cash.transfer(draft, action)),
    RegisterTrade: Rule(
        _parties,
        lambda draft, action, height: trades.register(draft, action.trade, height),
    ),
    TradeBatch: Rule(_parties, trades.register_batch),
    SubmitOracle: Rule(_oracle, lambda draft, action, _: oracles.submit(draft, action)),
    SetLimit: Rule(_governor(), lambda draft, action, _: trades.set_limit(draft, action)),
    ApplyMembership: Rule(_nobody, lambda draft, action, _: membership.apply(draft, action)),
    RotateKey: Rule(_governor(), membership.rotate_key),
    StandDown: Rule(_governor(), membership.stand_down),
    Propose: Rule(_voter("proposer"), governance.propose),
    CastVote: Rule(_voter("voter"), governance.vote),
    CreateBatch: Rule(_treasurer("creator"), settlement.create),
    Allocate: Rule(
        _treasurer("sender"), lambda draft, action, _: settlement.allocate(draft, action)
    ),
    Approve: Rule(
        _treasurer("receiver"), lambda draft, action, _: settlement.approve(draft, action)
    ),
    CancelBatch: Rule(_treasurer(), lambda draft, action, _: settlement.cancel(draft, action)),
    AttestKyc: Rule(_governor("attestor"), lambda draft, action, _: kyc.attest(draft, action)),
    RevokeKyc: Rule(_governor("attestor"), lambda draft, action, _: kyc.revoke(draft, action)),
    AttestCapital: Rule(
        _governor("attestor"), lambda draft, action, _: kyc.attest_capital(draft, action)
    ),
    Resign: Rule(_governor(), leaving.resign),
    WithdrawResignation: Rule(_governor(), leaving.withdraw),
    Exit: Rule(_governor(), leaving.leave),
    Bootstrap: Rule(_bootstrap, bootstrap.act),
    RetireBootstrap: Rule(_bootstrap, bootstrap.retire),
}


def required(draft: Draft, tx: Transaction) -> Required:
    """Who must sign `tx`, and with which role; raises a `Rejection`."""
    return RULES[type(tx.action)].signers(draft, tx)


def check_signers(draft: Draft, tx: Transaction) -> None:
    """Exactly those have signed who must; raises a `Rejection`."""
    admission.check_signers(draft, tx, required(draft, tx))


def execute(draft: Draft, tx: Transaction, height: int) -> list[Event]:
    """The action of `tx` on `draft`, window and nonce apart; raises its `Rejection`."""
    check_signers(draft, tx)
    return RULES[type(tx.action)].run(draft, tx.action, height)
