"""Talking to a node's API: the token from its home, errors as the codes they are."""

from pathlib import Path
from typing import Any

import httpx

from node.home import Home
from wire.errors import CodedError, EnvironmentFault, Rejection


class NodeUnreachable(EnvironmentFault):
    """The node's API does not answer."""

    code = "NODE_UNREACHABLE"
    remedy = "Start the node with `dcn run`, or look at its log."


class NotANode(EnvironmentFault):
    """What answers at the node's API address does not answer as a node does."""

    code = "NODE_ANSWER_UNREADABLE"
    remedy = "Check `api.host` and `api.port` of the home's config.toml: another program is there."


def remote_error(status: int, content: Any) -> CodedError:
    """The error that a node answered with, its code and remedy kept."""
    known = content if isinstance(content, dict) else {}
    kind = EnvironmentFault if status >= 500 else Rejection
    error = kind(str(known.get("detail", "")))
    # The class is not known here; code and remedy are what a reader acts on.
    vars(error)["code"] = str(known.get("code", f"HTTP_{status}"))
    vars(error)["remedy"] = str(known.get("remedy", ""))
    return error


class Connection:
    """Synchronous requests to a node's API."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        )

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer; raises `CodedError`."""
        return self._answer("GET", path, params=query)

    def post(self, path: str, content: Any) -> Any:
        """The JSON answer; raises `CodedError`."""
        return self._answer("POST", path, json=content)

    def _answer(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise NodeUnreachable(f"{self._http.base_url}: {error}") from None
        try:
            content = answer.json()
        except ValueError:
            found = f"HTTP {answer.status_code}, {answer.text[:60]!r}"
            raise NotANode(f"{self._http.base_url}: {found}") from None
        if answer.is_error:
            raise remote_error(answer.status_code, content)
        return content


class Client(Connection):
    """Synchronous requests to the node of a home directory."""

    def __init__(self, home: Path) -> None:
        found = Home(home)
        api = found.config().api
        super().__init__(f"http://{api.host}:{api.port}", found.token())
        self.lei = found.config().lei
