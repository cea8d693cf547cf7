"""Whether a transaction may act at all: network, time window, nonce, and who has signed.

Signatures themselves have been checked before (`Verified`); here it is asked whose they are.
"""

from ledger import checks, trades
from ledger import objects as o
from ledger import rejections as r
from ledger import tables as t
from ledger.state import Draft
from ledger.transactions import (
    Allocate,
    ApplyMembership,
    Approve,
    CancelBatch,
    CastVote,
    CreateBatch,
    Mint,
    Propose,
    Redeem,
    RegisterTrade,
    RotateKey,
    SetLimit,
    StandDown,
    SubmitOracle,
    TradeBatch,
    Transaction,
    Transfer,
    is_trade,
    new_keys,
)
from wire.ids import Lei
from wire.limits import VALID_UNTIL_HEIGHTS_MAX

Required = tuple[tuple[Lei, o.KeyRole], ...]


def check_window(draft: Draft, tx: Transaction, height: int) -> None:
    """The transaction is for this chain and may stand in block `height`."""
    chain_id = draft.must(t.NETWORK, t.network_key()).chain_id
    if tx.chain_id != chain_id:
        raise r.WrongChain(f"is for {tx.chain_id[:48]}, this is {chain_id}")
    if tx.valid_until < height:
        raise r.Expired(f"was valid until {tx.valid_until}, height is {height}")
    if tx.valid_until > height + VALID_UNTIL_HEIGHTS_MAX:
        raise r.TooFarAhead(
            f"is valid until {tx.valid_until}, at most {height + VALID_UNTIL_HEIGHTS_MAX} allowed"
        )


def check_nonces(draft: Draft, tx: Transaction) -> None:
    """No signing key has used the nonce before; a trade is unique by its UTI instead."""
    if is_trade(tx.action):
        return
    for entry in tx.signatures:
        if draft.get(t.NONCES, t.NONCES.key(entry.key, tx.nonce)) is not None:
            raise r.NonceReused(f"nonce {tx.nonce} of key {entry.key.hex()[:16]}")


def use_nonces(draft: Draft, tx: Transaction) -> None:
    """Remember the nonce for every known key that signed, until the valid-until height."""
    if is_trade(tx.action):
        return
    for entry in tx.signatures:
        if draft.get(t.KEYS, t.KEYS.key(entry.key)) is not None:
            draft.put(t.NONCES, t.NONCES.key(entry.key, tx.nonce), o.Nonce(tx.valid_until))


def forget_nonces(draft: Draft, height: int) -> None:
    """Drop the nonces that no transaction in block `height` or later can use."""
    for key in draft.indexed(t.NONCES, height - 1):
        draft.delete(key)


def check_signers(draft: Draft, tx: Transaction) -> None:
    """Exactly the required members have signed, each with a key of the right role; and every key
    that the action brings to the ledger."""
    wanted = required(draft, tx)
    signed: set[Lei] = set()
    roles = dict(wanted)
    brought = list(new_keys(tx.action))
    for entry in tx.signatures:
        if entry.key in brought:
            brought.remove(entry.key)
            continue
        row = draft.get(t.KEYS, t.KEYS.key(entry.key))
        if row is None or row.retired:
            raise r.UnknownKey(f"key {entry.key.hex()[:16]}")
        if row.member not in roles or row.member in signed:
            raise r.SurplusSignature(f"by {row.member}, who need not sign (again)")
        if row.role != roles[row.member]:
            raise r.WrongKeyRole(
                f"key of {row.member} has role {o.KeyRole(row.role).name}, "
                f"needs {o.KeyRole(roles[row.member]).name}"
            )
        signed.add(row.member)
    for lei, role in wanted:
        if lei not in signed:
            raise r.MissingSignature(f"of {lei} with a {o.KeyRole(role).name} key")
    if brought:
        raise r.MissingSignature(f"of the new key {brought[0].hex()[:16]}")
    for lei in sorted(signed):
        checks.active_member(draft, lei)


def required(draft: Draft, tx: Transaction) -> Required:
    """Who must sign, and with which role; the members named must exist."""
    match tx.action:
        case Mint(asset=asset) | Redeem(asset=asset):
            issuer = checks.asset(draft, asset).issuer
            signers = [_member_of(draft, entry.key) for entry in tx.signatures]
            if issuer not in signers and any(signers):
                raise r.NotTheIssuer(f"{asset} is issued by {issuer}")
            return ((issuer, o.KeyRole.TREASURY),)
        case Transfer(sender=sender):
            checks.active_member(draft, sender)
            return ((sender, o.KeyRole.TREASURY),)
        case RegisterTrade(trade=trade):
            return _parties(draft, trade)
        case TradeBatch(trades=batch):
            if not batch:
                raise r.BadBatch("has no trades")
            return _parties(draft, batch[0])
        case SubmitOracle(oracle=oracle):
            if o.Role.ORACLE not in checks.active_member(draft, oracle).roles:
                raise r.NotAnOracle(f"{oracle} has no oracle role")
            return ((oracle, o.KeyRole.ORACLE),)
        case ApplyMembership():
            return ()
        case (
            SetLimit(member=member)
            | RotateKey(member=member)
            | StandDown(member=member)
            | Propose(proposer=member)
            | CastVote(voter=member)
        ):
            checks.active_member(draft, member)
            return ((member, o.KeyRole.GOVERNANCE),)
        case (
            CreateBatch(creator=member)
            | Allocate(sender=member)
            | Approve(receiver=member)
            | CancelBatch(member=member)
        ):
            checks.active_member(draft, member)
            return ((member, o.KeyRole.TREASURY),)


def _parties(draft: Draft, trade: o.Trade) -> Required:
    trades.check_parties(draft, trade)
    return ((trade.buyer, o.KeyRole.TRADE), (trade.seller, o.KeyRole.TRADE))


def _member_of(draft: Draft, key: bytes) -> Lei | None:
    row = draft.get(t.KEYS, t.KEYS.key(key))
    return None if row is None else row.member
