"""How errors look over HTTP: one form, a stable code, a remedy."""

from typing import Final

from node.viewing.viewer import MandateNotInForce, NotYours
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
    remedy = "See the OpenAPI document at /v1/openapi.json."


class Unauthorised(Rejection):
    """The bearer token is missing or wrong."""

    code = "API_UNAUTHORISED"
    remedy = (
        "Send `Authorization: Bearer` with a token of `dcn token create` or the home's `api.token`."
    )


class OutOfScope(Rejection):
    """The token is good, but not for this."""

    code = "API_OUT_OF_SCOPE"
    remedy = "Use a token with the scope named: `dcn token create --scope`."


class TooManyRequests(Rejection):
    """This client asks faster than the node's configuration allows."""

    code = "API_RATE_LIMITED"
    remedy = "Try again after a second; `api.requests_per_s` of config.toml sets the pace."


class TooManyStreams(Rejection):
    """This client follows as many streams as it may, or all places are taken."""

    code = "API_STREAMS_TAKEN"
    remedy = (
        "End a stream of this client before the next; `api.streams_per_client` of config.toml says "
        "how many it may have."
    )


class MethodWrong(Rejection):
    """The path exists and takes another HTTP method."""

    code = "API_METHOD_WRONG"
    remedy = "See the OpenAPI document at /v1/openapi.json."


class BodyTooLarge(Rejection):
    """The body is larger than a node reads."""

    code = "API_BODY_TOO_LARGE"
    remedy = "Send less at once: at most 10,000 trades, and 10 MB."


class KeyReused(Rejection):
    """The idempotency key came with another request before."""

    code = "API_KEY_REUSED"
    remedy = "Give each request a key of its own; the same key only to ask the same again."


class KeyInUse(Rejection):
    """The request with this idempotency key is still under way."""

    code = "API_KEY_IN_USE"
    remedy = "Wait a moment and ask again with the same key."


class NothingToSign(Rejection):
    """The transaction needs no signature of this home's member."""

    code = "POLICY_NOTHING"
    remedy = "Send it to the node of a member that must sign; /v1/transactions/check names them."


class SameClient(Rejection):
    """Who has asked for signatures cannot approve them."""

    code = "POLICY_SAME_CLIENT"
    remedy = "Have another client, with a token of its own and the scope approve, look at it."


class TooManyHeld(Rejection):
    """Too many requests for signatures wait for approval."""

    code = "POLICY_HELD_FULL"
    remedy = "Approve or refuse some: GET /v1/sign lists them."


RETRY = frozenset({"POOL_FULL", "PROOF_NOT_READY"})
"""Codes that a client answers by trying again later."""

GONE = frozenset({"HISTORY_OUT_OF_REACH"})
"""Codes of what a node keeps no longer."""


STATUSES: Final[dict[type[CodedError], int]] = {
    BadRequest: 400,
    Unauthorised: 401,
    OutOfScope: 403,
    MandateNotInForce: 403,
    NotYours: 403,
    NotFound: 404,
    MethodWrong: 405,
    KeyReused: 409,
    KeyInUse: 409,
    HeightPruned: 410,
    BodyTooLarge: 413,
    TooManyRequests: 429,
    TooManyStreams: 429,
}


def status_of(error: CodedError) -> int:
    """The HTTP status of an error."""
    if error.code in RETRY:
        return 503
    if error.code in GONE:
        return 410
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    match error:
        case Rejection() | PeerFault():
            return 422
        case EnvironmentFault():
            return 503
        case _:
            return 500
