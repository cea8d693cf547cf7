"""`dcn light`: follow the chain and check proofs without running a node, and trusting none."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import JsonOption
from node.cli.output import Exit, fail, print_json, read_bytes, read_text, row_lines, table
from wire.errors import BadProof

app = typer.Typer(
    no_args_is_help=True,
    help="Verify the chain by its validators' signatures, without a node. See docs/LIGHT.md.",
)

LightHomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="DCN_LIGHT_HOME", help="Directory of what is trusted."),
]
NodeOption = Annotated[
    str | None, typer.Option("--node", help="The node to ask: URL of its API, or its home.")
]
WitnessOption = Annotated[
    list[str] | None,
    typer.Option("--witness", help="A node of another member to compare with; repeat for each."),
]
AloneOption = Annotated[
    bool,
    typer.Option("--alone", help="Without a witness: attacks by validators are not detected."),
]
TokensOption = Annotated[
    Path | None,
    typer.Option(envvar="DCN_LIGHT_TOKENS", help="File of lines `URL TOKEN`, for nodes by URL."),
]
PeriodOption = Annotated[
    float, typer.Option("--trusting-period", help="Days for which a header can be trusted on.")
]


@app.command()
def sync(
    home: LightHomeOption,
    node: NodeOption = None,
    witness: WitnessOption = None,
    genesis: Annotated[
        Path | None, typer.Option(help="Trust begins with block 1 of this genesis.")
    ] = None,
    trusted_header: Annotated[
        Path | None, typer.Option(help="Trust begins here: what `dcn block --header` writes.")
    ] = None,
    trust: Annotated[
        str | None, typer.Option(help="Trust begins with the header HEIGHT:ID.")
    ] = None,
    height: Annotated[int, typer.Option(help="The height wanted; 0: the newest.")] = 0,
    sequential: Annotated[
        bool, typer.Option("--sequential", help="Verify every height instead of skipping.")
    ] = False,
    level: Annotated[
        str, typer.Option("--trust-level", help="Part of a trusted set that must have signed.")
    ] = "1/3",
    period: PeriodOption = 14,
    drift: Annotated[float, typer.Option("--clock-drift", help="Seconds.")] = 10,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until stopped, a line for each new header.")
    ] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks with --follow.")] = 2,
    alone: AloneOption = False,
    tokens: TokensOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the newest header (or one height) and keep it as trusted.

    The first time, say what trust begins with; later the directory knows. No node is believed:
    headers are verified by signatures, and compared with the witnesses'. If two chains verify,
    the validators have forked the network: exit code 1, the evidence is written to a file in the
    directory and sent to the nodes.
    """
    from node.cli.light.session import Session, options_of
    from node.cli.light.trust import root_of

    how = options_of(level, period, drift)
    session = Session(home, node, witness, tokens)
    with session.watching(as_json=as_json):
        root = root_of(genesis, trusted_header, trust)
        session.begin(root, how, skip=not sequential, alone=alone)
        while True:
            session.show(session.reach(height), as_json=as_json)
            if not follow:
                return
            time.sleep(every)


@app.command("verify-proof")
def verify_proof(
    file: Annotated[Path, typer.Argument(help="The proof file, as `dcn prove` writes it.")],
    home: LightHomeOption,
    node: NodeOption = None,
    witness: WitnessOption = None,
    alone: AloneOption = False,
    period: PeriodOption = 14,
    tokens: TokensOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof of a balance, a trade or a netting round against a trusted header.

    If the header of the proof is not trusted yet, it is verified first, which needs --node and
    --witness. Exit code 0 only if the proof holds.
    """
    from node.blocks import block_id
    from node.cli.light.session import Session, options_of
    from node.cli.light.trust import NothingTrusted, load_store
    from node.proofs import check_file

    text = read_text(file)
    height = _height_in(text)
    store = load_store(home)
    if store is None:
        raise NothingTrusted(str(home))
    known = store.get(height)
    if known is None:
        session = Session(home, node, witness, tokens)
        with session.watching(as_json=as_json):
            session.begin(None, options_of("1/3", period, 10), alone=alone)
            known = session.reach(height)
    try:
        checked = check_file(text, None, block_id(known.header).hex())
    except BadProof as error:
        fail(error, as_json=as_json, code=Exit.VERDICT)
    if as_json:
        print_json(checked)
        return
    claim = checked["claim"]
    typer.echo(f"The proof holds: {checked['chain_id']}, after height {height - 1}")
    typer.echo(f"  {claim['table']} {' '.join(map(str, claim['key']))}")
    typer.echo("\n".join(row_lines(claim["row"])))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Recorded steps, JSON: docs/LIGHT.md has the form.")],
    as_json: JsonOption = False,
) -> None:
    """Judge recorded light client steps: SUCCESS, NOT_ENOUGH_TRUST or INVALID, and why.

    Keys and signatures are made from the names in the file. Exit code 1 if a verdict differs from
    the recorded one.
    """
    from node.light.steps import read_steps
    from node.light.steps import replay as judge

    results = judge(read_steps(read_bytes(file)))
    agree = all(result.agrees for result in results)
    if as_json:
        shown = [
            {
                "trusted_height": result.trusted_height,
                "height": result.height,
                "verdict": str(result.verdict.answer),
                "reason": result.verdict.reason,
                "expected": None if result.expected is None else str(result.expected),
                "agrees": result.agrees,
            }
            for result in results
        ]
        print_json({"agree": agree, "steps": shown})
    else:
        rows = [
            [
                f"{result.trusted_height} -> {result.height}",
                str(result.verdict.answer),
                "" if result.agrees else f"recorded: {result.expected}",
                result.verdict.reason,
            ]
            for result in results
        ]
        table(str(file), ["step", "verdict", "", "why"], rows)
    raise SystemExit(int(Exit.OK if agree else Exit.VERDICT))


def _height_in(text: str) -> int:
    """The height of the header that a proof file names; the proof's own check comes later."""
    try:
        height = json.loads(text)["header_height"]
    except (ValueError, KeyError, TypeError):
        height = None
    if not isinstance(height, int) or height < 1:
        raise BadProof("not a proof file: it names no header")
    return height
