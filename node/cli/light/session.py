"""One run of a light client command: its nodes, what it trusts, and what it tells of a fork."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import typer

from node.blocks import block_id
from node.cli.light.nodes import Nodes, clock_ms
from node.cli.light.trust import (
    NothingTrusted,
    evidence_hex,
    load_store,
    save_store,
    write_fork,
)
from node.cli.output import Exit, UsageWrong, pairs, print_json
from node.light.asking import drive
from node.light.client import ForkFound, LightClient
from node.light.root import Root, check_root, root_store
from node.light.verify import Options, TrustLevel, expired
from wire.errors import CodedError

if TYPE_CHECKING:
    from node.blocks import LightBlock
    from node.light.detection import Fork

DAY_MS: Final = 24 * 60 * 60 * 1_000


def options_of(level: str, period_days: float, drift_seconds: float) -> Options:
    """Options as the command line gives them; raises `UsageWrong`, `BadTrustOptions`."""
    part, _, whole = level.partition("/")
    if not (part.isascii() and part.isdecimal() and whole.isascii() and whole.isdecimal()):
        raise UsageWrong(f"--trust-level {level[:20]}: a fraction like 1/3 expected")
    return Options(
        TrustLevel(int(part), int(whole)), int(period_days * DAY_MS), int(drift_seconds * 1_000)
    )


class Session:
    """A light client with its directory and the nodes that it asks."""

    def __init__(
        self, home: Path, node: str | None, witnesses: list[str] | None, tokens: Path | None
    ) -> None:
        """Raises `UsageWrong`, `HomeIncomplete`."""
        if node is None:
            raise UsageWrong("name a node to ask: --node, and --witness for each other")
        self._home = home
        self._names = [node, *(witnesses or [])]
        if len(set(self._names)) != len(self._names):
            raise UsageWrong("a node cannot be its own witness")
        self._nodes = Nodes(self._names, tokens)
        self._client: LightClient

    def begin(self, root: Root | None, how: Options, *, skip: bool = True, alone: bool) -> None:
        """Go on from what is trusted, or from `root` if nothing is, or nothing that is fresh.

        What is trusted must agree with `root`. Raises `NothingTrusted`, `WrongRoot`, and what
        `LightClient.to_height` raises.
        """
        primary, *witnesses = self._names
        store = load_store(self._home)
        newest = None if store is None else store.latest.header
        old = newest is None or expired(newest, how.trusting_period_ms, clock_ms())
        if root is not None and old:
            store = drive(root_store(primary, root, how), self._nodes.answer)
        if store is None:
            raise NothingTrusted(str(self._home))
        self._client = LightClient(store, primary, tuple(witnesses), how, skip=skip, alone=alone)
        if root is not None:
            check_root(root, self.reach(root.height))

    def reach(self, height: int) -> "LightBlock":
        """The verified light block of `height`; what is trusted now is kept."""
        asking = self._client.to_height(height, clock_ms())
        try:
            return drive(asking, self._nodes.answer)
        finally:
            save_store(self._home, self._client.store)

    def show(self, block: "LightBlock", *, as_json: bool) -> None:
        """Print the verified header."""
        header = block.header
        shown: dict[str, Any] = {
            "chain_id": header.chain_id,
            "height": header.height,
            "id": block_id(header).hex(),
            "time_ms": header.time_ms,
            "state_root": header.state_root.hex(),
            "validators": len(block.validators),
            "trusted_heights": len(self._client.store.heights),
            "dismissed": {one.node: one.reason for one in self._client.dismissed},
        }
        if as_json:
            print_json(shown)
        else:
            pairs(f"Trusted: height {header.height}", shown)

    @contextmanager
    def watching(self, *, as_json: bool) -> Iterator[None]:
        """A fork found inside ends the command: written down, told to both sides, exit code 1."""
        try:
            yield
        except ForkFound as found:
            self._report(found.fork, as_json)

    def _report(self, fork: "Fork", as_json: bool) -> NoReturn:
        path, told = write_fork(self._home, fork)
        sent = {
            fork.witness: self._submit(fork.witness, evidence_hex(fork.against_ours())),
            fork.node: self._submit(fork.node, evidence_hex(fork.against_theirs())),
        }
        told |= {"file": str(path), "evidence_sent": sent}
        if as_json:
            print_json({"code": "LIGHT_FORK", **told})
        else:
            typer.echo(f"FORK ({told['attack']}) above height {told['common_height']}")
            for side in (told["node"], told["witness"]):
                typer.echo(f"  {side['name']}: height {side['height']} is {side['id']}")
                typer.echo(f"    accused of signing it: {', '.join(side['accused']) or '-'}")
            typer.echo(f"Neither is trusted. Both blocks and the evidence: {path}")
            for name, outcome in sent.items():
                typer.echo(f"  evidence sent to {name}: {outcome}")
        raise SystemExit(int(Exit.VERDICT))

    def _submit(self, name: str, evidence: list[str]) -> str:
        """Bring evidence to a node, piece by piece; what became of it, in words."""
        taken, refused = 0, ""
        for piece in evidence:
            try:
                self._nodes.connection(name).post("/v1/evidence", {"evidence": [piece]})
                taken += 1
            except CodedError as error:
                refused = f", {error}"
        return f"{taken} of {len(evidence)} taken in{refused}"
