"""The OpenAPI document: records as their JSON looks, and one form of error on every route."""

import re
from collections.abc import Mapping
from typing import Any, Final, cast, get_origin

from litestar import Controller, MediaType, Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Components, OpenAPI, Schema, SecurityScheme
from litestar.plugins import OpenAPISchemaPlugin, ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute
from litestar.typing import FieldDefinition

from node.apitypes.answers import ErrorAnswer
from node.apitypes.shown import AnyRow, Line, Shown, row_shapes, shape_of
from wire.version import PROTOCOL_VERSION

ERRORS: Final = {
    400: "A parameter or the body is not of the documented form.",
    401: "The token is missing, wrong, revoked or expired.",
    403: "The token has not the scope that this route needs.",
    404: "There is no such thing.",
    405: "The path takes another method.",
    409: "The idempotency key was used for another request, or its request is still under way.",
    410: "It was there, and this node keeps it no longer.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Understood and refused; the code says why.",
    429: "Too many requests; try again after `Retry-After` seconds.",
    500: "A bug of the node.",
    503: "Not now: try again later, or see the remedy.",
}


PLACE: Final = "#/components/schemas/"


class RecordSchemas(OpenAPISchemaPlugin):
    """`Shown`, `Line` and `AnyRow` by the shape of what they hold."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether a type of an answer is one of them."""
        kind = field_definition.annotation
        return kind is AnyRow or get_origin(kind) in (Shown, Line)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        """The schema of the JSON."""
        kind = field_definition.annotation
        if kind is AnyRow:  # any, not one: a row of few fields may look like another table's
            shapes = [FieldDefinition.from_annotation(shape) for shape in row_shapes()]
            return Schema(any_of=[schema_creator.for_field_definition(x) for x in shapes])
        shape = FieldDefinition.from_annotation(shape_of(kind))
        found: Schema = schema_creator.for_field_definition(shape)
        return found


class DocumentedErrors(ReceiveRoutePlugin):
    """Every route says that its errors have the one form."""

    def receive_route(self, route: BaseRoute) -> None:
        """Add the errors to the handlers of a route."""
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            if isinstance(handler, HTTPRouteHandler):
                specs = {
                    status: ResponseSpec(ErrorAnswer, generate_examples=False, description=text)
                    for status, text in ERRORS.items()
                }
                handler.responses = specs


class Document(Controller):
    """The document itself, and nothing else: litestar's own pages load scripts from elsewhere."""

    path = "/v1"
    include_in_schema = False

    @get("/openapi.json", sync_to_thread=False)
    def document(self, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """The OpenAPI 3.1 document."""
        return Response(named(request.app.openapi_schema), media_type=MediaType.JSON)


def named(schema: OpenAPI) -> dict[str, Any]:
    """The document, its types named as generators of clients can name classes; what has a `format`
    is CSV as well."""
    found = schema.to_schema()
    types = found["components"]["schemas"]
    names = {old: _class_name(old) for old in types}
    assert len(set(names.values())) == len(names), "two types of one name"
    for old, new in names.items():
        if old != new:
            types[new] = {**types.pop(old), "title": new}
    for methods in found["paths"].values():
        for operation in methods.values():
            if any(one["name"] == "format" for one in operation.get("parameters", ())):
                operation["responses"]["200"]["content"]["text/csv"] = {
                    "schema": {"type": "string"}
                }
    return cast("dict[str, Any]", _renamed(found, names))


def _class_name(found: str) -> str:
    """`Page_a.b.Line_a.b.RoundOf_c.Round_` to `PageOfRoundOfRound`; a row that has the name of an
    action is named `...Row`."""
    parts = [part for part in re.sub(r"[a-z]+\.", "", found).split("_") if part]
    if parts[0] == "Page":
        return "PageOf" + "".join(part for part in parts[1:] if part not in ("Shown", "Line"))
    return f"{parts[-1]}Row" if parts[0] == "objects" else parts[-1]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case {"$ref": str() as reference}:
            return {**value, "$ref": PLACE + names[reference.removeprefix(PLACE)]}
        case dict():
            return {key: _renamed(item, names) for key, item in value.items()}
        case list():
            return [_renamed(item, names) for item in value]
        case _:
            return value


def document_config(what: str) -> OpenAPIConfig:
    """How the document is made and where it is served."""
    return OpenAPIConfig(
        title=f"DCN {what}",
        version=str(PROTOCOL_VERSION),
        description=f"A {what} of a decentralised clearing network: submit, follow, query, prove. "
        "Amounts are minor units, times milliseconds since 1970, dates yyyymmdd, ids and bytes "
        "hex. Every error is an object of `code`, `detail` and `remedy`.",
        openapi_controller=cast("Any", Document),
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}
        ),
        security=[{"token": []}],
        create_examples=False,
        use_handler_docstrings=True,
    )
