"""What the API shows of the ledger: plain values, each with the height it holds at."""

from typing import Any

from ledger import governance
from ledger import objects as o
from ledger import tables as t
from ledger.state import Draft, State
from ledger.transactions import tx_id
from node.api.errors import BadRequest
from node.blocks import DecidedBlock, block_id
from node.core.chain import Tip
from node.plain import plain
from wire.codec import encode

Json = dict[str, Any]


def network(tip: Tip) -> Json:
    """Height, root, dates and counters."""
    row = tip.state.must(t.NETWORK, t.network_key())
    return {
        "chain_id": tip.chain_id,
        "height": tip.height,
        "block_id": tip.block_id.hex(),
        "time_ms": tip.time_ms,
        "state_root": tip.state.root.hex(),
        "business_date": row.business_date,
        "rounds": row.rounds,
        **rulebook(tip.state),
        "validators": len(tip.validators),
        "live_contracts": len(tip.state.indexed(t.CONTRACTS, o.ContractState.LIVE)),
    }


def rulebook(state: State) -> Json:
    """The version of the rulebook in force, and its hash."""
    version = state.must(t.RULEBOOK, t.rulebook_key()).version
    digest = state.must(t.RULEBOOKS, t.RULEBOOKS.key(version)).rulebook_hash
    return {"rulebook_version": version, "rulebook_hash": digest.hex()}


def account(state: State, lei: str) -> Json | None:
    """A member, its balances, limits and netting sets."""
    member = state.get(t.MEMBERS, t.MEMBERS.key(lei))
    if member is None:
        return None
    balances = [
        {"kind": o.AccountKind(parts[1]).name, "reference": parts[2], "asset": parts[3]}
        | plain(row)
        for key, row in state.scan(t.BALANCES)
        if (parts := t.BALANCES.parts(key))[0] == lei
    ]
    sets = [plain(row) for _, row in state.scan(t.NETTING_SETS) if lei in (row.first, row.second)]
    limits = [
        {"counterparty": parts[1], "asset": parts[2]} | plain(row)
        for key, row in state.scan(t.LIMITS)
        if (parts := t.LIMITS.parts(key))[0] == lei
    ]
    return {"member": plain(member), "balances": balances, "netting_sets": sets, "limits": limits}


def block(decided: DecidedBlock) -> Json:
    """A block with its transactions and commit."""
    found = decided.block
    return {
        "id": block_id(found.header).hex(),
        "header_bytes": encode(found.header).hex(),
        "header": plain(found.header),
        "transactions": [
            {"tx_id": tx_id(tx).hex(), **plain(tx.action)} for tx in found.transactions
        ],
        "certificates": [
            {"number": entry.number, "bytes": len(entry.certificate)}
            for entry in found.certificates
        ],
        "recovery": None if found.recovery is None else plain(found.recovery),
        "commit": {
            "round": decided.commit.round,
            "signers": [entry.validator.hex() for entry in decided.commit.signatures],
        },
    }


def holders(state: State, asset: str) -> Json | None:
    """Every account that holds an asset, by holder, and what is in circulation."""
    row = state.get(t.ASSETS, t.ASSETS.key(asset))
    if row is None:
        return None
    found = []
    for key, held in state.scan(t.BALANCES):
        owner, kind, reference, code = t.BALANCES.parts(key)
        if code == asset and held.balance:
            account = {"account": o.AccountKind(kind).name, "reference": reference}
            found.append({"holder": owner, **account, "balance": held.balance})
    found.sort(key=lambda x: (x["holder"], x["account"], x["reference"]))
    return {"asset": asset, "circulating": row.minted - row.redeemed, "holders": found}


def contract(row: o.Contract) -> Json:
    """A registered trade."""
    return {
        **plain(row.trade),
        "state": row.state.name,
        "height": row.height,
        "fees": plain(row.fees),
    }


def rounds(state: State) -> list[Json]:
    """All netting rounds, newest first; obligations counted, not listed."""
    found = [plain(row) for _, row in state.scan(t.ROUNDS)]
    for row in found:
        row["obligations"] = len(row["obligations"])
    return sorted(found, key=lambda row: -int(row["number"]))


def proposals(state: State) -> list[Json]:
    """All proposals, newest first."""
    found = [
        {"number": t.PROPOSALS.parts(key)[0], **_proposal(state, key, row)}
        for key, row in state.scan(t.PROPOSALS)
    ]
    return sorted(found, key=lambda row: -int(row["number"]))


def _proposal(state: State, key: bytes, row: o.Proposal) -> Json:
    """A proposal; while it is open the votes as they stand."""
    shown: Json = plain(row)
    if row.state == o.ProposalState.OPEN:
        number: int = t.PROPOSALS.parts(key)[0]
        shown |= plain(governance.count(Draft(state), number, row))
    return shown


def proposal(state: State, number: int) -> Json | None:
    """One proposal, and who has voted how."""
    key = t.PROPOSALS.key(number)
    row = state.get(t.PROPOSALS, key)
    if row is None:
        return None
    votes = {
        parts[1]: ballot.in_favour
        for ballot_key, ballot in state.scan(t.BALLOTS)
        if (parts := t.BALLOTS.parts(ballot_key))[0] == number
    }
    return {"number": number, **_proposal(state, key, row), "votes": votes}


def offences(state: State) -> list[Json]:
    """Evidence that has been acted on."""
    found = []
    for key, row in state.scan(t.OFFENCES):
        consensus_key, height = t.OFFENCES.parts(key)
        found.append({"consensus_key": consensus_key.hex(), "offence_height": height} | plain(row))
    return sorted(found, key=lambda one: int(one["height"]))


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
