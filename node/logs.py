"""Structured logs on standard error: events with fields. ERROR wakes a person."""

import logging
import sys

import structlog


def configure_logs(level: str, style: str) -> None:
    """`level`: debug, info, warning, error; `style`: json or console."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=_filter(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def set_level(level: str) -> None:
    """Change the level and nothing else; what is logged from now on goes by it."""
    structlog.configure(**(structlog.get_config() | {"wrapper_class": _filter(level)}))


def _filter(level: str) -> type[structlog.typing.FilteringBoundLogger]:
    return structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()])
