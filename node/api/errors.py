"""How errors look over HTTP: one form, a stable code, a remedy."""

from wire.errors import CodedError, EnvironmentFault, PeerFault, Rejection


class NotFound(Rejection):
    """Nothing has this id, height or LEI."""

    code = "API_NOT_FOUND"
    remedy = "Check the id; what has not reached a block yet is under `transactions`."


class HeightPruned(Rejection):
    """The block is older than what this node keeps."""

    code = "API_HEIGHT_PRUNED"
    remedy = "Ask a node that keeps older blocks; `dcn status` names its `oldest_block`."


class BadRequest(Rejection):
    """A parameter or body is not of the documented form."""

    code = "API_BAD_REQUEST"
    remedy = "See the OpenAPI document at /schema."


class Unauthorised(Rejection):
    """The bearer token is missing or wrong."""

    code = "API_UNAUTHORISED"
    remedy = "Send `Authorization: Bearer` with the content of the node's `api.token`."


RETRY = frozenset({"POOL_FULL", "PROOF_NOT_READY"})
"""Codes that a client answers by trying again later."""


def status_of(error: CodedError) -> int:
    """The HTTP status of an error."""
    match error:
        case NotFound():
            return 404
        case HeightPruned():
            return 410
        case Unauthorised():
            return 401
        case BadRequest():
            return 400
        case _ if error.code in RETRY:
            return 503
        case Rejection() | PeerFault():
            return 422
        case EnvironmentFault():
            return 503
        case _:
            return 500
