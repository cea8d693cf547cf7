"""Idempotency keys: a client that has lost an answer asks again, and nothing is done twice."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from litestar import Request
from litestar.params import HeaderParameter

from node.api.errors import KeyInUse, KeyReused
from node.apitypes.shown import from_json, to_json
from node.shell import now_ms
from node.storage.answered import Answered, answered, keep_answer
from node.storage.store import Store

T = TypeVar("T")

Key: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=100,
        description="Any text, new for each request: the same request with the same key within a "
        "day gets the answer of the first and is not done again. A refused one did nothing and "
        "leaves its key free.",
    ),
]


class Once:
    """Does what a client asks for once a key."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: set[tuple[str, str]] = set()

    async def answer(
        self,
        request: Request[Any, Any, Any],
        key: str | None,
        kind: Any,
        do: Callable[[], Awaitable[T]],
    ) -> T:
        """What `do` answers, of type `kind`, or has answered to this request before; raises
        `KeyReused`, `KeyInUse`, and what `do` raises."""
        if key is None:
            return await do()
        client = str(request.state["client"])
        body = request.url.path.encode() + b"\0" + await request.body()
        digest = hashlib.sha256(body).digest()
        if (client, key) in self._under_way:
            raise KeyInUse(key)
        self._under_way.add((client, key))
        try:
            known = await answered(self._store, client, key, now_ms())
            if known is not None:
                if known.request != digest:
                    raise KeyReused(key)
                found: T = msgspec.json.decode(known.answer, type=kind, dec_hook=from_json)
                return found
            made = await do()
            entry = Answered(digest, msgspec.json.encode(made, enc_hook=to_json))
            await keep_answer(self._store, client, key, entry, now_ms())
            return made
        finally:
            self._under_way.discard((client, key))
