"""The story of a default, step by step: every event that names its case."""

from collections.abc import Iterable, Iterator
from typing import Final

from ledger import objects as o
from ledger.events import Event
from node.observer.projection.writing import Context, as_json, put, rule_of, whose
from node.observer.store import Statement
from node.viewing.concerns import of_event, public_part

STEP: Final = put(
    "case_steps", "number", "height", "place", "type", "body", "rule", "time_ms",
    "parties", "product", "about_date",
)  # fmt: skip


def steps(context: Context, happened: Iterable[Event]) -> Iterator[Statement]:
    """The steps that a block takes in cases."""
    for place, event in enumerate(happened):
        number = getattr(event, "case", None)
        if number is not None:
            basis = getattr(event, "basis", None)
            rule = context.rule(o.Clause.DEFAULT) if basis is None else rule_of(basis)
            kind = type(event).__name__
            concern = of_event(context.state, event)
            shown = public_part(event) if concern.public else event
            yield STEP, (
                number, context.height, place, kind, as_json(shown), rule, context.time_ms,
                *whose(concern),
            )  # fmt: skip
