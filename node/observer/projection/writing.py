"""What all parts of the projection share: statements, what a block is, and how a rule is named."""

from typing import Final, Self

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.state import State
from node.plain import plain
from node.viewing.concerns import Concern
from wire.ids import member_of

DATE_MAX: Final = 99_991_231


class Context(msgspec.Struct, frozen=True):
    """The block under way, or the state that a store begins with."""

    height: int
    time_ms: int
    state: State
    """After it."""
    rulebook: int
    """The version in force after it."""
    currency: str
    """Of that rulebook."""

    @classmethod
    def of(cls, state: State) -> Self:
        """Of the last block of a state."""
        network = state.must(t.NETWORK, t.network_key())
        rulebook = state.must(t.RULEBOOK, t.rulebook_key())
        return cls(network.height, network.time_ms, state, rulebook.version, rulebook.currency)

    def rule(self, clause: o.Clause) -> str:
        """The rule of what names none itself."""
        return rule_of(o.Basis(clause, self.rulebook))


def rule_of(basis: o.Basis) -> str:
    """A rule as the page names it, e.g. `rulebook 1, MARGIN`: a chapter of that version."""
    return f"rulebook {basis.rulebook_version}, {o.Clause(basis.clause).name}"


def whose(concern: Concern) -> tuple[str, str, int | None]:
    """Whose business a line is, for its columns `parties`, `product` and `about_date`; of several
    who have nothing to do with each other it is nobody's."""
    members = dict.fromkeys(member_of(one) for one in concern.members)
    if concern.public:
        return "*", "", None
    if not members or (concern.together and len(members) > 1):
        return "", "", None
    # A refused transaction may name any number as its date, also one that no row can hold.
    date = None if concern.date is None else min(concern.date, DATE_MAX)
    return f" {' '.join(members)} ", concern.product, date


def as_json(value: object) -> str:
    """A record, or several, as text."""
    return msgspec.json.encode(plain(value)).decode()


def put(table: str, *columns: str) -> str:
    """SQL that writes a row anew."""
    places = ", ".join("?" * len(columns))
    return f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES ({places})"


def upsert(table: str, keys: tuple[str, ...], *columns: str, kept: tuple[str, ...] = ()) -> str:
    """SQL that writes a row, or into one that is there all columns but the `kept`."""
    every = (*keys, *columns, *kept)
    changed = ", ".join(f"{name}=excluded.{name}" for name in columns)
    places = ", ".join("?" * len(every))
    return (
        f"INSERT INTO {table} ({', '.join(every)}) VALUES ({places}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}"
    )
