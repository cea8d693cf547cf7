"""What a client of a node's API may meet: the node's own errors, and no node at all."""

from typing import Any

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
