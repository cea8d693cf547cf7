"""One answer, three forms: JSON as it is, CSV of one of its tables, HTML through a template.

A view is one handler that returns one typed answer. Which form it takes depends on the route that
it hangs on and on `format`, never on the view, so that the page shows what the API says.
"""

import csv
import io
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.response.base import ASGIResponse

from node import spreadsheet
from node.api.errors import BadRequest
from node.apitypes.shown import to_json
from node.observer import words
from node.observer.sight import Asked, Sight

HERE: Final = Path(__file__).parent

FORMATS: Final = ("json", "csv")

CSV: Final = "text/csv; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"


class Page(msgspec.Struct, frozen=True):
    """How a view looks: its template, its title, and its place in the navigation."""

    template: str
    title: str
    section: str
    live: bool = True
    """Whether it is fetched again when there are new blocks."""


class Exported(Response[Any]):
    """JSON, or with `format=csv` one table of the answer."""

    def to_asgi_response(self, app: Any, request: Asked, **kwargs: Any) -> ASGIResponse:
        """As the request asks; raises `BadRequest` for a form or table that there is not."""
        wanted = request.query_params.get("format", "json")
        if wanted not in FORMATS:
            raise BadRequest(f"format is {wanted[:20]!r}, one of {', '.join(FORMATS)}")
        if wanted == "json":
            return super().to_asgi_response(app, request, **kwargs)
        name, text = table_of(self.content, request.query_params.get("table", ""))
        height = getattr(self.content, "as_of_height", 0)
        file = f'attachment; filename="{name}-{height}.csv"'
        made: Response[str] = Response(text, media_type=CSV, headers={"Content-Disposition": file})
        return made.to_asgi_response(app, request, **kwargs)


class Paged(Response[Any]):
    """The answer through the template that its route names."""

    def to_asgi_response(self, app: Any, request: Asked, **kwargs: Any) -> ASGIResponse:
        """A whole page; htmx takes the part of it that it wants."""
        page: Page = request.route_handler.opt["page"]
        sight = request.app.state["sight"]
        text = render(page, self.content, sight, request)
        made: Response[str] = Response(text, media_type=HTML)
        return made.to_asgi_response(app, request, **kwargs)


def render(page: Page, view: Any, sight: Sight, request: Asked) -> str:
    """A page of a view."""
    template = _environment().get_template(page.template)
    said = words.Words(sight.lexicon())
    return template.render(
        page=page,
        view=view,
        now=sight.now(),
        trouble=sight.trouble(),
        replay=sight.replayed(),
        path=request.url.path,
        query=dict(request.query_params.items()),
        tables=tables_of(view),
        **{name: getattr(said, name) for name in words.SAID},
    )


def plain_page(template: str, status_code: int = 200, **values: Any) -> Response[str]:
    """A page that is no view: the way in, an error."""
    text = _environment().get_template(template).render(**values)
    return Response(text, status_code=status_code, media_type=HTML)


_KEPT: list[Environment] = []


def _environment() -> Environment:
    if not _KEPT:
        made = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.filters |= words.FILTERS
        _KEPT.append(made)
    return _KEPT[0]


def tables_of(answer: Any) -> list[str]:
    """The fields of an answer that are tables: lists of records."""
    found = []
    for name in answer.__struct_fields__:
        value = getattr(answer, name)
        if isinstance(value, list) and (not value or isinstance(value[0], msgspec.Struct)):
            found.append(name)
    return found


def table_of(answer: Any, wanted: str) -> tuple[str, str]:
    """Name and CSV of one table of an answer, the first if none is named; an answer without any is
    a table of one line. Raises `BadRequest`."""
    names = tables_of(answer)
    if wanted and wanted not in names:
        raise BadRequest(f"table is {wanted[:40]!r}, one of {', '.join(names) or 'none'}")
    name = wanted or (names[0] if names else "view")
    rows = getattr(answer, name) if names else [answer]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if rows:
        columns = rows[0].__struct_fields__
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(getattr(row, column)) for column in columns])
    return name, out.getvalue()


def _cell(value: Any) -> str:
    """Text that no spreadsheet takes for a formula; records inside as JSON."""
    match value:
        case None:
            return ""
        case bool() | int():
            return str(value)
        case str():
            return spreadsheet.cell(value)
        case _:
            return msgspec.json.encode(value, enc_hook=to_json).decode()
