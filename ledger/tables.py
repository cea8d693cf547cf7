"""The tables of the state: one tag, key form and row type each.

A key is the table's tag and the canonical encoding of the key's parts, so that a proof of a key
says which table it speaks of, and no two tables can collide.
"""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar
from zlib import crc32

from ledger import objects as o
from wire import ids
from wire.codec import Record, decode, encode
from wire.errors import MalformedBytes

R = TypeVar("R", bound=Record)

ROW_BYTES_MAX: Final = 64 << 20
"""A row is local data; the cap only stops a corrupt store from being decoded for ever."""


class Table(Generic[R]):
    """A table: `tag`, `name`, `row` type; `index` gives the numbers a row can be found under, and
    `owners` those that its key's parts give."""

    def __init__(
        self,
        tag: int,
        name: str,
        row: type[R],
        index: Callable[[R], tuple[int, ...]] | None = None,
        owners: Callable[[tuple[Any, ...]], tuple[int, ...]] | None = None,
    ) -> None:
        self.tag = tag
        self.name = name
        self.row = row
        self.indexed = index is not None or owners is not None
        self._index = index
        self._owners = owners
        self._prefix = bytes([tag])

    def numbers(self, key: bytes, row: R) -> tuple[int, ...]:
        """What the row of `key` can be found under."""
        found = () if self._index is None else self._index(row)
        return found if self._owners is None else (*found, *self._owners(self.parts(key)))

    def key(self, *parts: str | int | bytes) -> bytes:
        """The state key of the row with these key parts."""
        return self._prefix + encode(parts)

    def parts(self, key: bytes) -> tuple[Any, ...]:
        """The key parts of a state key of this table."""
        assert key[0] == self.tag, (key[0], self.tag)
        return decode(key[1:], tuple, ROW_BYTES_MAX)


def at_height(height: int) -> int:
    """The index value of what happens at a height."""
    return 2 * height


def on_date(date: int) -> int:
    """The index value of what happens on a business date."""
    return 2 * date + 1


def of_case(number: int) -> int:
    """The index value of what belongs to a default case."""
    return 2 * number


def close_outs_in(state: int) -> int:
    """The index value of the close-outs in a state."""
    return 2 * state + 1


def of_member(party: str) -> int:
    """The index value of what belongs to a member or to a client of it: above all others."""
    return (1 << 128) + int(ids.member_of(party), 36)


def in_state(state: o.MemberState) -> int:
    """The index value of the members in a state."""
    return 100 + state


ATTESTED: Final = 200
"""The index value of the members that somebody has attested."""


def member_indexes(row: o.Member) -> tuple[int, ...]:
    """A member is looked for by its roles, by its state, and when attestations expire."""
    attested = () if row.kyc is None else (ATTESTED,)
    return (*row.roles, in_state(row.state), *attested)


IN_NETTING: Final = -1
"""The index value of batches whose legs wait for a round."""


FALLING_DUE: Final = -1
"""Index value of parties whose debts fall due outside of a round that they stayed out of."""


def of_instruction(instruction: bytes) -> int:
    """The index value of the debts of one instruction, a SHA-256 digest: above all others. Whoever
    looks compares the whole of it."""
    return (1 << 192) + int.from_bytes(instruction[:16])


def obligation_indexes(row: o.Obligation) -> tuple[int, ...]:
    """A debt is looked for by its state, by its debtor's member, and with its instruction."""
    if row.instruction:
        return (row.state, of_member(row.debtor), of_instruction(row.instruction))
    return (row.state, of_member(row.debtor))


def batch_indexes(row: o.Batch) -> tuple[int, ...]:
    """A batch is looked for at its deadline, when irrevocable on its date, and by its parties."""
    parties = tuple({of_member(party): None for leg in row.legs for party in (leg.sender, leg.to)})
    if row.state == o.BatchState.INSTRUCTED:
        return (at_height(row.deadline), *parties)
    if row.state == o.BatchState.IRREVOCABLE and row.settle_date is not None:
        return (on_date(row.settle_date), *parties)
    return (IN_NETTING, *parties) if row.state == o.BatchState.IN_NETTING else ()


def between(one: str, other: str) -> int:
    """The index value of the live contracts of two parties; states are below. Two pairs may share
    it: whoever looks compares the parties."""
    return (1 << 8) + crc32(f"{min(one, other)} {max(one, other)}".encode())


def contract_indexes(row: o.Contract) -> tuple[int, ...]:
    """A contract is looked for by its state, and while live by its netting set."""
    if row.state == o.ContractState.LIVE:
        return (row.state, between(row.trade.buyer, row.trade.seller))
    return (row.state,)


WOUND_UP: Final = 1
"""Index value of a netting set without contracts that still has something to settle."""


def netting_set_indexes(row: o.NettingSet) -> tuple[int, ...]:
    """A set without contracts is in the next cycle until everything has settled."""
    rest = any(not p.live and (p.settled or p.held_first or p.held_second) for p in row.positions)
    members = (of_member(row.first), of_member(row.second))
    return (WOUND_UP, *members) if rest else members


UNMET: Final = 1
"""Index value of calls that have failed."""


def call_indexes(row: o.MarginCall) -> tuple[int, ...]:
    """A call is looked for when it falls due, and when it has failed until its grace ends."""
    if row.state == o.CallState.FAILED:
        return (UNMET, at_height(row.grace_until))
    return (at_height(row.due),)


def staying_out_indexes(row: o.StayingOut) -> tuple[int, ...]:
    """Who stays out is looked for at the freeze, and when its debts fall due."""
    falling = (FALLING_DUE,) if row.dues else ()
    return (on_date(row.date), *falling, *(at_height(height) for height in row.dues))


NETWORK: Final = Table(1, "network", o.Network)
RULEBOOK: Final = Table(2, "rulebook", o.Rulebook)
MEMBERS: Final = Table(3, "member", o.Member, member_indexes)
"""By LEI; indexed by role, by state, and whether there is an attestation that can expire."""
KEYS: Final = Table(4, "key", o.SigningKeyRow, lambda row: () if row.retired else (row.role,))
"""By public key; indexed while in use."""
NONCES: Final = Table(5, "nonce", o.Nonce, lambda row: (row.valid_until,))  # key, nonce
SEEDS: Final = Table(6, "seed", o.SeedLink)  # consensus key
ASSETS: Final = Table(7, "asset", o.Asset, lambda _row: (0,))  # code
BALANCES: Final = Table(8, "balance", o.Balance, None, lambda parts: (of_member(parts[0]),))
"""By owner, kind, reference, asset."""
INSTRUMENTS: Final = Table(9, "instrument", o.Instrument, lambda _row: (0,))  # code
CONTRACTS: Final = Table(10, "trade", o.Contract, contract_indexes)
"""By UTI; indexed by state, and while live by netting set."""
NETTING_SETS: Final = Table(11, "netting_set", o.NettingSet, netting_set_indexes)
"""By first and second party; indexed by member, and while a value is to be paid although there is
no contract left."""
LIMITS: Final = Table(12, "limit", o.Limit)  # member, counterparty, asset
FEEDS: Final = Table(13, "feed", o.Feed, lambda _row: (0,))  # code
ORACLE_MARKS: Final = Table(14, "oracle_mark", o.OracleMark)  # feed, oracle
MARKS: Final = Table(15, "mark", o.Mark)  # feed, date
OBLIGATIONS: Final = Table(16, "obligation", o.Obligation, obligation_indexes)  # id
ROUNDS: Final = Table(17, "round", o.NettingRound, lambda row: (row.state,))  # number
PAY_INS: Final = Table(18, "pay_in", o.PayIn)  # round, lei, asset
FLOWS: Final = Table(19, "flow", o.Flow)  # round, obligation id
CONSENSUS_KEYS: Final = Table(20, "consensus_key", o.ConsensusKey)  # consensus key
RECENT_BLOCKS: Final = Table(21, "recent_block", o.RecentBlock)  # height
OFFENCES: Final = Table(22, "offence", o.Offence)  # consensus key, height of the offence
PROPOSALS: Final = Table(23, "proposal", o.Proposal, lambda row: (row.due,) if row.due else ())
"""By number; indexed by the height at which something happens to it."""
BALLOTS: Final = Table(24, "ballot", o.Ballot)  # proposal, lei
BATCHES: Final = Table(25, "batch", o.Batch, batch_indexes)
"""By creator and reference; indexed by what happens to it next."""

CLIENTS: Final = Table(37, "client_account", o.ClientAccount, None, lambda p: (of_member(p[0]),))
"""By member and reference."""
MINTINGS: Final = Table(39, "minting", o.Minting)  # asset, units minted before
RULEBOOKS: Final = Table(38, "rulebook_version", o.RulebookVersion)  # version
BOOTSTRAP: Final = Table(40, "bootstrap", o.Bootstrap)
CSAS: Final = Table(26, "csa", o.Csa, lambda row: (row.mark_source,))  # first, second
CALLS: Final = Table(27, "call", o.MarginCall, call_indexes)
"""By id (of variation margin: of its obligation); indexed by the height of its next step."""
AGREED_IM: Final = Table(28, "agreed_im", o.AgreedIm)  # first, second
PARTY_MARKS: Final = Table(29, "party_marks", o.PartyMarks, lambda _row: (0,))
"""By first, second party and the member that marks; forgotten when their date is closed."""
CONTRACT_VALUES: Final = Table(30, "contract_value", o.ContractValue)  # uti, oracle
DISPUTES: Final = Table(31, "dispute", o.Dispute, lambda _row: (0,))  # first, second, asset
HELD_MARKS: Final = Table(32, "held_mark", o.HeldMark)  # feed
PENDING: Final = Table(33, "pending", o.Pending, lambda row: (at_height(row.until),))
"""Terminations and novations that wait for consent, by UTI; indexed by their deadline."""
DEFAULT_CASES: Final = Table(42, "default_case", o.DefaultCase, lambda row: (row.state,))  # number
CLOSE_OUTS: Final = Table(
    43, "close_out", o.CloseOut, lambda row: (of_case(row.case), close_outs_in(row.state))
)
"""By case, debtor, creditor."""
LOSS_CLAIMS: Final = Table(44, "loss_claim", o.LossClaim)  # case, debtor, creditor
LOSS_SHARES: Final = Table(45, "loss_share", o.LossShare, lambda row: (row.case,))
"""By case, step, bearer."""
FIRM_QUOTES: Final = Table(46, "firm_quote", o.FirmQuote, lambda row: (row.case,))
"""By case, instrument, member."""
OVERDUES: Final = Table(47, "overdue", o.Overdue, lambda _row: (0,))  # obligation
DATE_CLOSES: Final = Table(48, "date_close", o.DateClose, lambda _row: (0,))  # date
FUNDS: Final = Table(49, "default_fund", o.DefaultFund)  # service
CONTRIBUTIONS: Final = Table(50, "contribution", o.Contribution, lambda _row: (0,))
"""By service and member."""
GUARANTEES: Final = Table(51, "guarantee", o.Guarantee)  # guarantor, member
STAYING_OUT: Final = Table(52, "staying_out", o.StayingOut, staying_out_indexes)
"""By party and date; indexed by date, and by the height at which its debts fall due."""
PROVISIONAL: Final = Table(53, "provisional", o.Provisional, lambda _row: (0,))  # first, second
MANDATES: Final = Table(54, "mandate", o.Mandate)  # authority, reference
LOOKS: Final = Table(55, "look", o.CommittedLook, lambda row: () if row.overdue else (row.due,))
"""By authority and hash; indexed by the last block to disclose them in."""

TABLES: Final[tuple[Table[Any], ...]] = (
    NETWORK, RULEBOOK, MEMBERS, KEYS, NONCES, SEEDS, ASSETS, BALANCES, INSTRUMENTS, CONTRACTS,
    NETTING_SETS, LIMITS, FEEDS, ORACLE_MARKS, MARKS, OBLIGATIONS, ROUNDS, PAY_INS, FLOWS,
    CONSENSUS_KEYS, RECENT_BLOCKS, OFFENCES, PROPOSALS, BALLOTS,
    BATCHES, CSAS, CALLS, AGREED_IM, PARTY_MARKS, CONTRACT_VALUES, DISPUTES, HELD_MARKS, PENDING,
    CLIENTS, MINTINGS, RULEBOOKS, BOOTSTRAP,
    DEFAULT_CASES, CLOSE_OUTS, LOSS_CLAIMS, LOSS_SHARES, FIRM_QUOTES, OVERDUES, DATE_CLOSES, FUNDS,
    CONTRIBUTIONS, GUARANTEES, STAYING_OUT, PROVISIONAL, MANDATES, LOOKS,
)  # fmt: skip
BY_TAG: Final = {table.tag: table for table in TABLES}
BY_NAME: Final = {table.name: table for table in TABLES}


def table_of(key: bytes) -> Table[Any]:
    """The table a state key belongs to; raises `MalformedBytes`."""
    if not key or key[0] not in BY_TAG:
        raise MalformedBytes(f"no table has tag {key[:1].hex() or 'nothing'}")
    return BY_TAG[key[0]]


def decode_row(key: bytes, row: bytes) -> Record:
    """The typed row of an encoded row; raises `MalformedBytes`."""
    table = table_of(key)
    value: Record = decode(row, table.row, ROW_BYTES_MAX)
    return value


def network_key() -> bytes:
    """Key of the one `Network` row."""
    return NETWORK.key()


def rulebook_key() -> bytes:
    """Key of the rulebook in force."""
    return RULEBOOK.key()


def bootstrap_key() -> bytes:
    """Key of the one row of the bootstrap key."""
    return BOOTSTRAP.key()


def own_account(party: str, asset: str) -> bytes:
    """Key of what a party holds itself of an asset: a member's house, or a client account."""
    client = ids.client_of(party)
    kind = o.AccountKind.CLIENT if client else o.AccountKind.OWN
    return BALANCES.key(ids.member_of(party), kind, client, asset)


def contribution(lei: str, service: str, asset: str) -> bytes:
    """Key of what a member has in a service's default fund."""
    return BALANCES.key(lei, o.AccountKind.DEFAULT_FUND, service, asset)


def capital(operator: str, service: str, asset: str) -> bytes:
    """Key of the operator's capital in a service's waterfall."""
    return BALANCES.key(operator, o.AccountKind.CAPITAL, service, asset)


def estate(defaulter: str, case: int, asset: str) -> bytes:
    """Key of what belongs to the estate of a defaulter."""
    return BALANCES.key(defaulter, o.AccountKind.ESTATE, str(case), asset)


def recovered(defaulter: str, case: int, asset: str) -> bytes:
    """Key of what has been recovered for those who bore the losses of a case."""
    return BALANCES.key(defaulter, o.AccountKind.RESERVE, str(case), asset)


def blocked_account(lei: str, asset: str) -> bytes:
    """Key of what a member was paid of an asset while it was off the white list."""
    return BALANCES.key(lei, o.AccountKind.BLOCKED, "", asset)


def im_escrow(poster: str, secured: str, asset: str) -> bytes:
    """Key of the initial margin that `poster` has in contract custody for `secured`."""
    reference = f"{poster}>{secured}"
    return BALANCES.key(ids.member_of(poster), o.AccountKind.IM_ESCROW, reference, asset)


def escrow(party: str, creator: str, reference: str, asset: str) -> bytes:
    """Key of what a party has in escrow for a batch."""
    lei, colon, client = party.partition(":")
    return BALANCES.key(lei, o.AccountKind.ESCROW, f"{client}{colon}{creator}/{reference}", asset)


def netting_set_key(one: str, other: str) -> bytes:
    """Key of the netting set of two parties, in either order."""
    return NETTING_SETS.key(min(one, other), max(one, other))
