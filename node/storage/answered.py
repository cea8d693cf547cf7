"""Answers kept by the key that a client gave its request: asked again, it is not done twice."""

from typing import Final, NamedTuple

from node.storage.store import Store
from node.storage.transaction import transaction

KEPT_MS: Final = 86_400_000
"""A day: a client that has heard nothing for so long looks before it asks again."""


class Answered(NamedTuple):
    """The digest of a request, and what it was answered."""

    request: bytes
    answer: bytes


async def answered(store: Store, client: str, key: str, now_ms: int) -> Answered | None:
    """The answer that a client's request with this key got; None: it is new, or too old."""
    cursor = await store.db.execute(
        "SELECT request, answer FROM answered WHERE client=? AND key=? AND at_ms>?",
        (client, key, now_ms - KEPT_MS),
    )
    row = await cursor.fetchone()
    return None if row is None else Answered(bytes(row[0]), bytes(row[1]))


async def keep_answer(store: Store, client: str, key: str, entry: Answered, now_ms: int) -> None:
    """Keep an answer; those of more than a day ago go."""
    async with transaction(store.db):
        await store.db.execute("DELETE FROM answered WHERE at_ms<=?", (now_ms - KEPT_MS,))
        await store.db.execute(
            "INSERT OR REPLACE INTO answered VALUES (?, ?, ?, ?, ?)",
            (client, key, entry.request, entry.answer, now_ms),
        )
