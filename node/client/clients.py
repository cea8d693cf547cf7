"""Sends calls to a node. `NodeClient` waits, `AsyncNodeClient` awaits; both raise `CodedError`s."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import msgspec

from node.apitypes import answers as a
from node.client.calls import Call, status
from node.client.errors import NodeUnreachable, NotANode, remote_error
from node.client.following import AGAIN_SECONDS, LATEST, Reading, asking, behind, events_in
from node.config import EVERY_ADDRESS
from node.home import Home

T = TypeVar("T")

TIMEOUT_SECONDS = 30.0
PAGE = 500
"""Items of a page asked for: as many as a node gives."""


class NodeClient:
    """Synchronous calls. `with` closes the connections."""

    def __init__(
        self, url: str, token: str, tls: ssl.SSLContext | None = None, *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._http = httpx.Client(**_settings(url, token, tls), transport=transport)

    @classmethod
    def of_home(cls, path: Path) -> Self:
        """A client of the node of a home directory, with its token; raises `CodedError`."""
        return cls(*place_of(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def __call__(self, call: Call[T]) -> T:
        """The typed answer; raises `CodedError`."""
        return call.read(self._content(**_request(call)))

    def pages(self, make: Callable[[str], Call[a.Page[T]]]) -> Iterator[T]:
        """All items of a list, page after page: `client.pages(calls.trades)`."""
        after: str | None = ""
        while after is not None:
            page = self(make(after))
            yield from page.items
            after = page.next

    def follow(self, after: str = "", kind: str = "", member: str = "") -> Iterator[a.EventLine]:
        """Events behind the id `after` (`latest`: new ones only) as they come, for ever.

        A connection that breaks is made again; nothing is missed, and nothing comes twice.
        Raises the node's own `CodedError`s.
        """
        last = behind(self(status()).height) if after == LATEST else after
        while True:
            try:
                with self._http.stream(**asking(last, kind, member)) as answer:
                    if answer.is_error:
                        answer.read()
                        _checked(answer)
                    for found in events_in(answer.iter_lines()):
                        last = found.id
                        yield found
            except httpx.TransportError:
                time.sleep(AGAIN_SECONDS)

    def get(self, path: str, **query: Any) -> Any:
        """The answer as plain JSON; raises `CodedError`."""
        return msgspec.json.decode(self._content(method="GET", url=path, params=query))

    def items(self, path: str, **query: Any) -> Iterator[Any]:
        """All items of a list as plain JSON, page after page; raises `CodedError`."""
        after: str | None = ""
        while after is not None:
            page = self.get(path, **query, after=after, limit=PAGE)
            yield from page["items"]
            after = page["next"]

    def post(self, path: str, content: Any) -> Any:
        """The answer as plain JSON; raises `CodedError`."""
        return msgspec.json.decode(self._content(method="POST", url=path, json=content))

    def _content(self, **arguments: Any) -> bytes:
        try:
            answer = self._http.request(**arguments)
        except httpx.HTTPError as error:
            raise NodeUnreachable(f"{self._http.base_url}: {error}") from None
        return _checked(answer)


class AsyncNodeClient:
    """The same calls, awaited. `async with` closes the connections."""

    def __init__(
        self, url: str, token: str, tls: ssl.SSLContext | None = None, *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self._http = httpx.AsyncClient(**_settings(url, token, tls), transport=transport)

    @classmethod
    def of_home(cls, path: Path) -> Self:
        """A client of the node of a home directory, with its token; raises `CodedError`."""
        return cls(*place_of(path))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def __call__(self, call: Call[T]) -> T:
        """The typed answer; raises `CodedError`."""
        try:
            answer = await self._http.request(**_request(call))
        except httpx.HTTPError as error:
            raise NodeUnreachable(f"{self._http.base_url}: {error}") from None
        return call.read(_checked(answer))

    async def follow(
        self, after: str = "", kind: str = "", member: str = ""
    ) -> AsyncIterator[a.EventLine]:
        """Events as they come; see `NodeClient.follow`."""
        last = behind((await self(status())).height) if after == LATEST else after
        while True:
            try:
                async with self._http.stream(**asking(last, kind, member)) as answer:
                    if answer.is_error:
                        await answer.aread()
                        _checked(answer)
                    reading = Reading()
                    async for text in answer.aiter_lines():
                        found = reading.line(text)
                        if found is not None:
                            last = found.id
                            yield found
            except httpx.TransportError:
                await asyncio.sleep(AGAIN_SECONDS)

    async def pages(self, make: Callable[[str], Call[a.Page[T]]]) -> AsyncIterator[T]:
        """All items of a list, page after page."""
        after: str | None = ""
        while after is not None:
            page = await self(make(after))
            for item in page.items:
                yield item
            after = page.next


def place_of(path: Path) -> tuple[str, str, ssl.SSLContext | None]:
    """Address, token and TLS of the node of a home directory; raises `CodedError`."""
    home = Home(path)
    api = home.config().api
    host = EVERY_ADDRESS.get(api.host, api.host)
    place = f"[{host}]:{api.port}" if ":" in host else f"{host}:{api.port}"
    if not api.tls_cert:
        return f"http://{place}", home.token(), None
    try:
        tls = _only(path / api.tls_cert)
        if api.client_cert:
            tls.load_cert_chain(path / api.client_cert, path / api.client_key)
    except (OSError, ValueError) as error:
        raise NodeUnreachable(f"{api.tls_cert}: {error}") from None
    return f"https://{place}", home.token(), tls


def _only(certificate: Path) -> ssl.SSLContext:
    """What trusts the first certificate of a file and no other, whatever names stand in it: they
    are those that others reach the node by."""
    _, begin, rest = certificate.read_text().partition(ssl.PEM_HEADER)
    pem, end, _ = rest.partition(ssl.PEM_FOOTER)
    if not end:  # of nothing `create_default_context` would trust whom the system trusts
        raise ValueError("no certificate (PEM) is in it")
    tls = ssl.create_default_context(cadata=begin + pem + end)
    tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    tls.check_hostname = False
    return tls


def _settings(url: str, token: str, tls: ssl.SSLContext | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "base_url": url,
        "headers": {"Authorization": f"Bearer {token}"},
        "timeout": TIMEOUT_SECONDS,
        "trust_env": False,
    }
    return found if tls is None else {**found, "verify": tls}


def _request(call: Call[Any]) -> dict[str, Any]:
    headers = {} if call.key is None else {"Idempotency-Key": call.key}
    if call.body is None:
        return {"method": "GET", "url": call.path, "params": call.query}
    return {"method": "POST", "url": call.path, "json": call.body, "headers": headers}


def _checked(answer: httpx.Response) -> bytes:
    """The JSON of an answer; raises the node's error, `NotANode`."""
    try:
        content = msgspec.json.decode(answer.content)
    except msgspec.MsgspecError:
        found = f"HTTP {answer.status_code}, {answer.text[:60]!r}"
        raise NotANode(f"{answer.url}: {found}") from None
    if answer.is_error:
        raise remote_error(answer.status_code, content)
    return answer.content
