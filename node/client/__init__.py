"""The Python client of a node's API, typed, sync and async: `NodeClient` and `AsyncNodeClient`."""

from node.client.clients import AsyncNodeClient, NodeClient
from node.client.errors import NodeUnreachable, NotANode

__all__ = ["AsyncNodeClient", "NodeClient", "NodeUnreachable", "NotANode"]
