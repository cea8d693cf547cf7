"""A scenario file: TOML with a title, a network (or a node's home) and steps."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ledger import objects as o
from ledger import tables as t
from ledger.genesis import genesis_state
from ledger.invariants import InvariantBroken, check_full
from ledger.state import State
from node.forms import BadForm, Names
from node.plain import plain
from node.rehearsal.errors import BadScript
from node.rehearsal.founding import NetworkPart, found, names_of
from node.rehearsal.run import Done, Rehearsal
from wire.ids import Lei


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A scenario as it is written."""

    title: str
    about: str = ""
    network: NetworkPart | None = None
    """None: the script starts from a live node's state (`--home`)."""
    names: dict[str, str] = {}
    """With a live node: names for LEIs."""
    block_ms: int = 1_000
    steps: tuple[dict[str, Any], ...]


class Report(msgspec.Struct, frozen=True):
    """What a script showed."""

    title: str
    steps: list[Done]
    balances: dict[str, dict[str, int]]
    """Member to account (`OWN`, or kind and reference) and asset to amount."""
    obligations: list[Any]
    height: int
    state_root: str
    invariants: str
    """`hold`, or which one does not."""
    expectations: int
    failures: list[str]


def read_script(path: Path) -> Script:
    """The script in a file; raises `BadScript`."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Script)
    except OSError as error:
        raise BadScript(f"{path}: {error.strerror}") from None
    except ValueError as error:  # msgspec's, tomllib's, and UnicodeDecodeError
        raise BadScript(f"{path}: {error}") from None


def run(
    script: Script, live: State | None = None, progress: Callable[[Done], None] | None = None
) -> Report:
    """Run a script from its own network, or from the state of a live node.

    Raises `BadScript` for what makes no sense; what was expected and is not so is in the report.
    """
    try:
        return _run(script, live, progress)
    except BadScript:
        raise
    except BadForm as error:
        raise BadScript(error.detail) from None


def _run(script: Script, live: State | None, progress: Callable[[Done], None] | None) -> Report:
    if (script.network is None) == (live is None):
        raise BadScript("a script has a [network], or is run on a node's state (--home), not both")
    if script.network is not None:
        names = names_of(script.network)
        state = genesis_state(found(script.network, names))
    else:
        assert live is not None
        names, state = Names({name: Lei(lei) for name, lei in script.names.items()}), live
    rehearsal = Rehearsal(state, names, script.block_ms)
    steps = []
    for number, entry in enumerate(script.steps, 1):
        steps.append(rehearsal.step(number, entry))
        if progress is not None:
            progress(steps[-1])
    return _report(script.title, rehearsal, steps)


def _report(title: str, rehearsal: Rehearsal, steps: list[Done]) -> Report:
    state, shown = rehearsal.state, rehearsal.names.shown
    balances: dict[str, dict[str, int]] = {}
    for key, row in state.scan(t.BALANCES):
        owner, kind, reference, asset = t.BALANCES.parts(key)
        if row.balance:
            account = " ".join(x for x in (o.AccountKind(kind).name, shown(reference), asset) if x)
            balances.setdefault(shown(owner), {})[account] = row.balance
    failures = [failure for step in steps for failure in step.failures]
    try:
        check_full(state)
        invariants = "hold"
    except InvariantBroken as broken:
        invariants = str(broken)
        failures.append(invariants)
    return Report(
        title=title,
        steps=steps,
        balances=balances,
        obligations=[shown(plain(row)) for _, row in state.scan(t.OBLIGATIONS)],
        height=rehearsal.height,
        state_root=state.root.hex(),
        invariants=invariants,
        expectations=rehearsal.checked,
        failures=failures,
    )
