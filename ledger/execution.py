"""Each action's rule: who signs it and what it does, in one table.

A transaction is executed on a draft of its own: it applies whole or raises its `Rejection`.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, NamedTuple

from ledger import (
    admission,
    bootstrap,
    calls,
    cash,
    checks,
    clients,
    contracts,
    csa,
    custody,
    governance,
    kyc,
    leaving,
    mandates,
    marks,
    membership,
    oracles,
    paying,
    recovered,
    settlement,
    trades,
)
from ledger import objects as o
from ledger import rejections as r
from ledger.actions import (
    Action,
    AgreeIm,
    AgreeMark,
    Allocate,
    AmendCsa,
    AmendTrade,
    ApplyMembership,
    Approve,
    AttestCapital,
    AttestKyc,
    Bootstrap,
    CancelBatch,
    CancelTrade,
    CastVote,
    CloseClientAccount,
    CommitLooks,
    CommitMark,
    ConfirmTermination,
    ConsentNovation,
    ContributeFund,
    CreateBatch,
    CureDefault,
    DirectDefault,
    DiscloseLooks,
    DistributeRecovery,
    Exit,
    InvokeGuarantor,
    Mint,
    NotifyInsolvency,
    OpenClientAccount,
    PayDebts,
    Port,
    PostCapital,
    PostIm,
    Propose,
    ProposeNovation,
    RaiseDispute,
    RecordRecovery,
    Redeem,
    RegisterCsa,
    RegisterTrade,
    ReleaseEstate,
    RequestTermination,
    Resign,
    RetireBootstrap,
    ReturnExcessIm,
    RevokeKyc,
    RotateKey,
    SetLimit,
    StandDown,
    StateGuarantee,
    Stay,
    StayOut,
    SubmitContractMark,
    SubmitMark,
    SubmitOracle,
    SubmitQuote,
    SubstituteCollateral,
    TradeBatch,
    Transfer,
    VetoKey,
    WithdrawCase,
    WithdrawFund,
    WithdrawResignation,
)
from ledger.admission import Required
from ledger.default import declaration, fund, notices, prices, recoveries, transfers
from ledger.events import Event
from ledger.state import Draft
from ledger.transactions import Transaction
from wire.ids import Lei, member_of

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
    assert isinstance(tx.action, SubmitOracle | SubmitContractMark)
    lei = tx.action.oracle
    if o.Role.ORACLE not in checks.acting_member(draft, lei).roles:
        raise r.NotAnOracle(f"{lei} has no oracle role")
    return ((lei, o.KeyRole.ORACLE),)


def _bootstrap(draft: Draft, tx: Transaction) -> Required:
    """The key itself, which the action names, signs (`new_keys`); it is no member's."""
    assert isinstance(tx.action, Bootstrap | RetireBootstrap)
    bootstrap.check_key(draft, tx.action.key)
    return ()


def _trader(*fields: str) -> Signers:
    """The members of the parties that the action names in `fields`, by their TRADE keys."""
    return _of_parties(fields, o.KeyRole.TRADE)


def _treasurers(*fields: str) -> Signers:
    """The members of the parties that the action names in `fields`, by their TREASURY keys."""
    return _of_parties(fields, o.KeyRole.TREASURY)


def _of_parties(fields: tuple[str, ...], role: o.KeyRole) -> Signers:
    def signers(draft: Draft, tx: Transaction) -> Required:
        found: dict[Lei, o.KeyRole] = {}
        for field in fields:
            lei = member_of(attrgetter(field)(tx.action))
            checks.acting_member(draft, lei)
            found[lei] = role
        return tuple(found.items())

    return signers


_signatories: Final = _of_parties(("csa.first", "csa.second"), o.KeyRole.GOVERNANCE)
"""Who is bound by a CSA: the members of both parties, by their GOVERNANCE keys."""


def _nobody(_draft: Draft, _tx: Transaction) -> Required:
    """Whose keys are not known yet; those it brings sign (`new_keys`)."""
    return ()


RULES: Final[dict[type[Action], Rule]] = {
    PayDebts: Rule(_treasurers("debtor"), lambda draft, action, _: paying.pay_debts(draft, action)),
    StayOut: Rule(_treasurers("party"), lambda draft, action, _: paying.stay_out(draft, action)),
    Mint: Rule(_issuer, cash.mint),
    Redeem: Rule(_issuer, lambda draft, action, _: cash.redeem(draft, action)),
    Transfer: Rule(_treasurers("sender"), lambda draft, action, _: cash.transfer(draft, action)),
    RegisterTrade: Rule(
        _parties,
        lambda draft, action, height: trades.register(draft, action.trade, height),
    ),
    TradeBatch: Rule(_parties, trades.register_batch),
    SubmitOracle: Rule(_oracle, oracles.submit),
    SetLimit: Rule(_governor(), lambda draft, action, _: trades.set_limit(draft, action)),
    ApplyMembership: Rule(_nobody, lambda draft, action, _: membership.apply(draft, action)),
    RotateKey: Rule(_governor(), membership.rotate_key),
    VetoKey: Rule(_governor("vetoer"), recovered.veto),
    StandDown: Rule(_governor(), membership.stand_down),
    Propose: Rule(_voter("proposer"), governance.propose),
    CastVote: Rule(_voter("voter"), governance.vote),
    CreateBatch: Rule(_treasurer("creator"), settlement.create),
    Allocate: Rule(
        _treasurers("sender"), lambda draft, action, _: settlement.allocate(draft, action)
    ),
    Approve: Rule(
        _treasurers("receiver"), lambda draft, action, _: settlement.approve(draft, action)
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
    OpenClientAccount: Rule(_governor(), clients.open_),
    CloseClientAccount: Rule(_governor(), lambda draft, action, _: clients.close(draft, action)),
    RegisterCsa: Rule(
        _signatories,
        lambda draft, action, _: csa.register(draft, action),
    ),
    AmendCsa: Rule(
        _signatories,
        lambda draft, action, _: csa.amend(draft, action),
    ),
    CommitMark: Rule(_trader("party"), lambda draft, action, _: marks.commit(draft, action)),
    SubmitMark: Rule(_trader("party"), marks.reveal),
    SubmitContractMark: Rule(_oracle, lambda draft, action, _: marks.mark_contracts(draft, action)),
    AgreeMark: Rule(
        _trader("first", "second"), lambda draft, action, _: marks.agree(draft, action)
    ),
    RaiseDispute: Rule(_trader("party"), lambda draft, action, _: calls.dispute(draft, action)),
    PostIm: Rule(_treasurers("party"), lambda draft, action, _: custody.post(draft, action)),
    ReturnExcessIm: Rule(
        _treasurers("party"), lambda draft, action, _: custody.return_excess(draft, action)
    ),
    SubstituteCollateral: Rule(
        _treasurers("party", "counterparty"),
        lambda draft, action, _: custody.substitute(draft, action),
    ),
    AgreeIm: Rule(
        _treasurers("first", "second"), lambda draft, action, _: custody.agree(draft, action)
    ),
    AmendTrade: Rule(_trader("trade.buyer", "trade.seller"), contracts.amend),
    CancelTrade: Rule(
        _trader("buyer", "seller"), lambda draft, action, _: contracts.cancel(draft, action)
    ),
    RequestTermination: Rule(_trader("party"), contracts.request_termination),
    ConfirmTermination: Rule(_trader("party"), contracts.confirm_termination),
    ProposeNovation: Rule(_trader("leaving"), contracts.propose_novation),
    ConsentNovation: Rule(_trader("party"), contracts.consent_novation),
    ContributeFund: Rule(_treasurer(), lambda draft, action, _: fund.contribute(draft, action)),
    WithdrawFund: Rule(_treasurer(), lambda draft, action, _: fund.withdraw(draft, action)),
    PostCapital: Rule(
        _treasurer("operator"), lambda draft, action, _: fund.post_capital(draft, action)
    ),
    NotifyInsolvency: Rule(_governor("notifier"), notices.notify_insolvency),
    DirectDefault: Rule(_governor("authority"), notices.direct),
    WithdrawCase: Rule(
        _governor("authority"), lambda draft, action, _: notices.withdraw(draft, action)
    ),
    CureDefault: Rule(_treasurer(), lambda draft, action, _: notices.cure(draft, action)),
    Stay: Rule(_governor("authority"), declaration.stay),
    SubmitQuote: Rule(_trader("member"), lambda draft, action, _: prices.quote(draft, action)),
    Port: Rule(_trader("to"), lambda draft, action, _: transfers.port(draft, action)),
    InvokeGuarantor: Rule(_treasurer("guarantor"), transfers.invoke),
    StateGuarantee: Rule(
        _governor("guarantor"), lambda draft, action, _: transfers.state_guarantee(draft, action)
    ),
    RecordRecovery: Rule(
        _treasurer("payer"), lambda draft, action, _: recoveries.record(draft, action)
    ),
    ReleaseEstate: Rule(
        _governor("authority"), lambda draft, action, _: recoveries.release(draft, action)
    ),
    CommitLooks: Rule(_governor("authority"), mandates.commit),
    DiscloseLooks: Rule(
        _governor("authority"), lambda draft, action, _: mandates.disclose(draft, action)
    ),
    DistributeRecovery: Rule(
        _governor(), lambda draft, action, _: recoveries.distribute(draft, action)
    ),
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
    recovered.check_keys(draft, tx, height)
    return RULES[type(tx.action)].run(draft, tx.action, height)
