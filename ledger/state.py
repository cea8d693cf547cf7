"""The state: an immutable table of typed rows, and drafts over it that apply whole or not at all.

`State` is a persistent value (hash array mapped trie, package `immutables`): an old state stays
valid and costs nothing. A `Draft` is a copy-on-write overlay over a state or over another draft.
"""

from collections.abc import Iterator
from typing import Any, Self, TypeVar, cast

from immutables import Map

from ledger.tables import BY_TAG, Table, decode_row
from wire.codec import Digest, Record, encode
from wire.statetree import StateProof, StateTree

R = TypeVar("R", bound=Record)

_Index = Map[tuple[int, int], Map[bytes, None]]


class State:
    """All rows by key, the Merkle tree over them, and the tables' indexes. Never changes."""

    __slots__ = ("_index", "_rows", "tree")

    def __init__(self, rows: Map[bytes, Record], index: _Index, tree: StateTree) -> None:
        self._rows = rows
        self._index = index
        self.tree = tree

    @classmethod
    def empty(cls) -> Self:
        """The state without rows."""
        return cls(Map(), Map(), StateTree())

    @classmethod
    def load(cls, rows: Iterator[tuple[bytes, bytes]]) -> Self:
        """The state of stored (key, encoded row) pairs; raises `MalformedBytes`."""
        decoded: dict[bytes, Record | None] = {}
        encoded: list[tuple[bytes, bytes | None]] = []
        for key, row in rows:
            decoded[key] = decode_row(key, row)
            encoded.append((key, row))
        return cls.empty()._with(decoded, encoded)

    @property
    def root(self) -> Digest:
        """The state root, 32 bytes."""
        return self.tree.root

    def row(self, key: bytes) -> Record | None:
        """The row of `key`, untyped."""
        return self._rows.get(key)

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The row of `key` in `table`."""
        assert key[0] == table.tag, (table.name, key)
        return cast("R | None", self._rows.get(key))

    def must(self, table: Table[R], key: bytes) -> R:
        """The row of `key`, which is there unless the ledger has a bug."""
        row = self.get(table, key)
        assert row is not None, (table.name, key)
        return row

    def scan(self, table: Table[R]) -> list[tuple[bytes, R]]:
        """All rows of a table, sorted by key; walks the whole state, for queries and tests."""
        tag = table.tag
        found = [(k, cast("R", row)) for k, row in self._rows.items() if k[0] == tag]
        return sorted(found, key=lambda pair: pair[0])

    def indexed(self, table: Table[Any], value: int) -> list[bytes]:
        """Keys of the rows of `table` that are indexed under `value`, sorted."""
        return sorted(self._index.get((table.tag, value), Map()))

    def rows(self) -> Iterator[tuple[bytes, Record]]:
        """Every (key, row), in no order that two nodes would share: sort before use."""
        yield from self._rows.items()

    def __len__(self) -> int:
        return len(self._rows)

    def prove(self, key: bytes) -> StateProof:
        """Proof of the row of `key`, or of its absence, under `root`."""
        row = self._rows.get(key)
        return self.tree.prove(key, None if row is None else encode(row))

    def folded(self, draft: "Draft") -> tuple["State", list[tuple[bytes, bytes | None]]]:
        """This state with the changes of `draft`, and the changes encoded (None: deleted)."""
        assert draft.parent is self
        changes = {k: row for k, row in draft.changes.items() if self._rows.get(k) != row}
        encoded = [(k, None if row is None else encode(row)) for k, row in changes.items()]
        return self._with(changes, encoded), encoded

    def _with(
        self, changes: dict[bytes, Record | None], encoded: list[tuple[bytes, bytes | None]]
    ) -> Self:
        index = self._index
        rows = self._rows.mutate()
        for key, row in changes.items():
            table = BY_TAG[key[0]]
            if table.indexed:
                index = _reindexed(index, table, key, rows.get(key), row)
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        return type(self)(rows.finish(), index, self.tree.updated(encoded))


def _reindexed(
    index: _Index, table: Table[Any], key: bytes, old: Record | None, new: Record | None
) -> _Index:
    before = () if old is None else table.numbers(key, old)
    after = () if new is None else table.numbers(key, new)
    for value in before:
        if value not in after:
            rest = index[table.tag, value].delete(key)
            slot = (table.tag, value)
            index = index.set(slot, rest) if rest else index.delete(slot)
    for value in after:
        if value not in before:
            slot = (table.tag, value)
            index = index.set(slot, index.get(slot, Map()).set(key, None))
    return index


class Draft:
    """A copy-on-write overlay: reads fall through to `parent`, writes stay here."""

    __slots__ = ("_touched", "changes", "parent")

    def __init__(self, parent: "State | Draft") -> None:
        self.parent = parent
        self.changes: dict[bytes, Record | None] = {}
        self._touched: dict[int, dict[bytes, None]] = {}
        """Keys of `changes` by table, so that an index need not look at all of them."""

    def row(self, key: bytes) -> Record | None:
        """The row of `key`, untyped."""
        if key in self.changes:
            return self.changes[key]
        return self.parent.row(key)

    def get(self, table: Table[R], key: bytes) -> R | None:
        """The row of `key` in `table`."""
        assert key[0] == table.tag, (table.name, key)
        return cast("R | None", self.row(key))

    def must(self, table: Table[R], key: bytes) -> R:
        """The row of `key`, which is there unless the ledger has a bug."""
        row = self.get(table, key)
        assert row is not None, (table.name, key)
        return row

    def put(self, table: Table[R], key: bytes, row: R) -> None:
        """Write a row."""
        assert key[0] == table.tag, (table.name, key)
        self._change(key, row)

    def delete(self, key: bytes) -> None:
        """Remove a row."""
        self._change(key, None)

    def take(self, key: bytes, row: Record) -> None:
        """Write a row of whatever table its key says."""
        self._change(key, row)

    def _change(self, key: bytes, row: Record | None) -> None:
        self.changes[key] = row
        self._touched.setdefault(key[0], {})[key] = None

    def indexed(self, table: Table[Any], value: int) -> list[bytes]:
        """Keys of the rows of `table` that are indexed under `value`, sorted."""
        assert table.indexed
        keys = set(self.parent.indexed(table, value))
        for key in self._touched.get(table.tag, ()):
            row = self.changes[key]
            if row is not None and value in table.numbers(key, row):
                keys.add(key)
            else:
                keys.discard(key)
        return sorted(keys)

    def commit(self) -> None:
        """Write all changes into the parent draft."""
        assert isinstance(self.parent, Draft)
        for key, row in self.changes.items():
            self.parent._change(key, row)
