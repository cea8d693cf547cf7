"""`dcn explain`: what an error code means and what to do about it."""

import importlib
import inspect
import pkgutil
from typing import Annotated

import typer

from node.cli.options import JsonOption
from node.cli.output import exit_of, print_json, table
from wire.errors import CodedError, EnvironmentFault, PeerFault, Rejection

PACKAGES = ("wire", "netting", "consensus", "ledger", "node")

KINDS: dict[type[CodedError], str] = {
    Rejection: "a user's mistake: refused, nothing is lost",
    PeerFault: "a peer's fault: it is counted against the peer",
    EnvironmentFault: "the environment: disk, network, clock, configuration",
}


class NoSuchCode(Rejection):
    """No error of this program has the code."""

    code = "EXPLAIN_NO_SUCH_CODE"
    remedy = "`dcn explain` without a code lists all."


def codes_from(incomplete: str) -> list[str]:
    """The codes that begin so, for the shell's completion."""
    return [code for code in every_error() if code.startswith(incomplete)]


def explain(
    code: Annotated[
        str,
        typer.Argument(
            help="An error code, e.g. TRADE_LIMIT_REACHED.",
            autocompletion=codes_from,
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what an error code means, whose fault it is, and what to do; without a code, list all."""
    known = every_error()
    if not code:
        if as_json:
            print_json([described(kind) for kind in known.values()])
        else:
            table("Errors", ["code", "meaning"], [[c, _meaning(k)] for c, k in known.items()])
        return
    kind = known.get(code.strip().upper())
    if kind is None:
        raise NoSuchCode(code[:60])
    if as_json:
        print_json(described(kind))
        return
    found = described(kind)
    typer.echo(f"{found['code']}: {found['meaning']}")
    typer.echo(f"  whose fault: {found['fault']}")
    typer.echo(f"  remedy: {found['remedy']}")


def every_error() -> dict[str, type[CodedError]]:
    """All coded errors of the program by code, sorted."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            importlib.import_module(found.name)
    errors: dict[str, type[CodedError]] = {}
    waiting = list(CodedError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "code" in vars(kind):
            errors[kind.code] = kind
    return dict(sorted(errors.items()))


def described(kind: type[CodedError]) -> dict[str, str]:
    """An error class as text."""
    fault = next((text for base, text in KINDS.items() if issubclass(kind, base)), "a bug")
    return {
        "code": kind.code,
        "meaning": _meaning(kind),
        "fault": fault,
        "remedy": kind.remedy,
        "exit_code": str(int(exit_of(kind("")))),
    }


def _meaning(kind: type[CodedError]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split())
