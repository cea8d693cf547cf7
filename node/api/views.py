"""What the API shows of the node and the ledger, each with the height it holds at."""

from typing import Final

import msgspec

from ledger import governance
from ledger import objects as o
from ledger import tables as t
from ledger.state import Draft, State
from ledger.transactions import tx_id
from node.api.errors import BadRequest
from node.apitypes import answers as a
from node.apitypes.shown import Line, Shown
from node.blocks import DecidedBlock, block_id
from node.daemon import Daemon
from node.samples import percentile
from node.signing.remote import UNREACHABLE
from node.viewing.seen import sees_action
from wire.codec import encode


def status(daemon: Daemon, oldest: int) -> a.Status:
    """Height, root, dates, counters and peers; `oldest`: the lowest height that is kept."""
    shell = daemon.shell
    tip, run, samples = shell.tip, shell.core.deciding.run, list(shell.finality_ms)
    row = tip.state.must(t.NETWORK, t.network_key())
    version, digest = rulebook(tip.state)
    catching_up = daemon.progress.view()
    lei_of = daemon.inbound.membership.lei_of
    return a.Status(
        lei=daemon.config.lei,
        role="member" if daemon.is_member else "observer",
        votes=run.me is not None,
        signer=_signer(daemon),
        chain_id=tip.chain_id,
        height=tip.height,
        block_id=tip.block_id.hex(),
        time_ms=tip.time_ms,
        state_root=tip.state.root.hex(),
        business_date=row.business_date,
        rounds=row.rounds,
        rulebook_version=version,
        rulebook_hash=digest,
        validators=len(tip.validators),
        live_contracts=len(tip.state.indexed(t.CONTRACTS, o.ContractState.LIVE)),
        consensus=a.Place(
            height=run.height, round=run.core.process.round, step=run.core.process.step.name
        ),
        peers=sorted(lei for p in shell.core.peers if (lei := lei_of(p))),
        behind=max(0, shell.core.sync.target() - tip.height),
        catching_up=None if catching_up is None else msgspec.convert(catching_up, a.CatchingUp),
        oldest_block=oldest,
        evidence=shell.evidence,
        waiting=len(shell.core.deciding.pool),
        finality_ms=a.Percentiles(
            count=len(samples), p50=percentile(samples, 50), p95=percentile(samples, 95)
        ),
    )


def _signer(daemon: Daemon) -> str:
    """Where the consensus key is, and whether anything keeps it from signing."""
    remote = daemon.remote
    if remote is None:
        place = "in this process"
    else:
        place = "connected" if remote.connected else UNREACHABLE
    hindrance = daemon.shell.core.deciding.voting.hindrance
    return f"{place}; {hindrance}" if hindrance else place


def rulebook(state: State) -> tuple[int, str]:
    """The version of the rulebook in force, and its hash in hex."""
    version = state.must(t.RULEBOOK, t.rulebook_key()).version
    digest = state.must(t.RULEBOOKS, t.RULEBOOKS.key(version)).rulebook_hash
    return version, digest.hex()


def account(state: State, lei: str, height: int) -> a.Account | None:
    """A member, its balances, limits and netting sets."""
    member = state.get(t.MEMBERS, t.MEMBERS.key(lei))
    if member is None:
        return None
    balances = [
        Line(a.BalanceOf(kind=o.AccountKind(kind).name, reference=reference, asset=asset), row)
        for key, row in state.scan(t.BALANCES)
        for owner, kind, reference, asset in [t.BALANCES.parts(key)]
        if owner == lei
    ]
    sets = [Shown(row) for _, row in state.scan(t.NETTING_SETS) if lei in (row.first, row.second)]
    limits = [
        Line(a.LimitOf(counterparty=counterparty, asset=asset), row)
        for key, row in state.scan(t.LIMITS)
        for owner, counterparty, asset in [t.LIMITS.parts(key)]
        if owner == lei
    ]
    return a.Account(
        as_of_height=height,
        member=Shown(member),
        balances=balances,
        netting_sets=sets,
        limits=limits,
    )


def block(decided: DecidedBlock, state: State) -> a.BlockView:
    """A block with its transactions and commit; of other members' transactions only the ids."""
    found = decided.block
    signers = [entry.validator.hex() for entry in decided.commit.signatures]
    return a.BlockView(
        id=block_id(found.header).hex(),
        header_bytes=encode(found.header).hex(),
        header=Shown(found.header),
        transactions=[
            a.TransactionLine(
                tx_id=tx_id(tx).hex(),
                action=Shown(tx.action) if sees_action(state, tx.action) else None,
            )
            for tx in found.transactions
        ],
        certificates=[
            a.IncludedCertificate(number=entry.number, bytes=len(entry.certificate))
            for entry in found.certificates
        ],
        recovery=None if found.recovery is None else Shown(found.recovery),
        commit=a.CommitView(round=decided.commit.round, signers=signers),
    )


def holders(state: State, asset: str, height: int) -> a.Holders | None:
    """Every account that holds an asset, by holder, and what is in circulation."""
    row = state.get(t.ASSETS, t.ASSETS.key(asset))
    if row is None:
        return None
    found = []
    for key, held in state.scan(t.BALANCES):
        owner, kind, reference, code = t.BALANCES.parts(key)
        if code == asset and held.balance:
            name = o.AccountKind(kind).name
            found.append(
                a.Holding(holder=owner, account=name, reference=reference, balance=held.balance)
            )
    found.sort(key=lambda x: (x.holder, x.account, x.reference))
    circulating = row.minted - row.redeemed
    return a.Holders(as_of_height=height, asset=asset, circulating=circulating, holders=found)


def contract(row: o.Contract) -> a.TradeLine:
    """A registered trade."""
    fees = [Shown(fee) for fee in row.fees]
    return Line(a.Registered(state=row.state.name, height=row.height, fees=fees), row.trade)


def rounds(state: State) -> list[Line[a.RoundOf, o.NettingRound]]:
    """All netting rounds, newest first; obligations counted, not listed."""
    found = [row for _, row in state.scan(t.ROUNDS)]
    found.sort(key=lambda row: -row.number)
    return [
        Line(
            a.RoundOf(obligation_count=len(row.obligations)),
            msgspec.structs.replace(row, obligations=()),
        )
        for row in found
    ]


def proposals(state: State, below: int | None) -> list[Line[a.ProposalOf, o.Proposal]]:
    """All proposals with a number below `below`, newest first."""
    numbered = [(t.PROPOSALS.parts(key)[0], row) for key, row in state.scan(t.PROPOSALS)]
    return [
        Line(a.ProposalOf(number=number), _counted(state, number, row))
        for number, row in sorted(numbered, key=lambda one: -int(one[0]))
        if below is None or number < below
    ]


def _counted(state: State, number: int, row: o.Proposal) -> o.Proposal:
    """A proposal; while it is open with the votes as they stand."""
    if row.state != o.ProposalState.OPEN:
        return row
    tally = governance.count(Draft(state), number, row)
    return msgspec.structs.replace(row, **msgspec.structs.asdict(tally))


def proposal(state: State, number: int, height: int) -> Line[a.OpenProposal, o.Proposal] | None:
    """One proposal, and who has voted how."""
    row = state.get(t.PROPOSALS, t.PROPOSALS.key(number))
    if row is None:
        return None
    votes = {
        parts[1]: ballot.in_favour
        for ballot_key, ballot in state.scan(t.BALLOTS)
        if (parts := t.BALLOTS.parts(ballot_key))[0] == number
    }
    beside = a.OpenProposal(as_of_height=height, number=number, votes=votes)
    return Line(beside, _counted(state, number, row))


def offences(state: State) -> list[Line[a.OffenceOf, o.Offence]]:
    """Evidence that has been acted on, in order of its keys."""
    found = []
    for key, row in state.scan(t.OFFENCES):
        consensus_key, height = t.OFFENCES.parts(key)
        of = a.OffenceOf(id=key.hex(), consensus_key=consensus_key.hex(), offence_height=height)
        found.append(Line(of, row))
    return sorted(found, key=lambda line: line.extra.id)


PROVABLE: Final = (
    "balance", "member", "trade", "asset", "instrument", "feed", "netting_set", "rulebook", "round",
)  # fmt: skip
"""What `key_of` finds keys of."""


def key_of(table: str, parts: list[str]) -> bytes:
    """The state key that a query names; raises `BadRequest`."""
    found = t.BY_NAME.get(table)
    match table, parts:
        case "balance", [lei, asset]:
            return t.own_account(lei, asset)
        case (("member" | "trade" | "asset" | "instrument" | "feed"), [name]) if found is not None:
            return found.key(name)
        case "netting_set", [one, other]:
            return t.netting_set_key(one, other)
        case "rulebook", []:
            return t.rulebook_key()
        case "round", [number] if number.isascii() and number.isdecimal() and len(number) <= 15:
            return t.ROUNDS.key(int(number))
        case _:
            raise BadRequest(f"no proof of {table[:20]!r} with {len(parts)} key parts")
