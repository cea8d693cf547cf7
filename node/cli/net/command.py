"""`dcn net`: solve, check, explain and generate netting problems in files."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node.cli.net.mode import WITH_CASH, Mode
from node.cli.options import JsonOption
from node.cli.output import Exit, UsageWrong, pairs, print_json, read_bytes, write_file

if TYPE_CHECKING:
    from netting.graph import Ints
    from node.cli.net.sheets import Debts

app = typer.Typer(no_args_is_help=True, help="Net obligations in CSV files, offline.")

LARGE: Final = 100_000
"""From so many obligations on, progress is told."""

SEED_BYTES_MAX: Final = 64

FileArgument = Annotated[
    Path, typer.Argument(help="CSV: debtor,creditor,amount (whole, minor units), oldest first.")
]
CashOption = Annotated[
    Path | None,
    typer.Option(
        help="CSV: member,amount. round: free cash (not given: everybody pays in); gridlock: "
        "cash; compress: by how much each net position may move. Who is not in it has 0."
    ),
]
SeedOption = Annotated[str | None, typer.Option(help="Seed of the tie-break, hex digits.")]


@app.command()
def solve(
    file: FileArgument,
    cash: CashOption = None,
    mode: Annotated[
        Mode | None, typer.Option(help="Default: cycles; with --cash: round.", show_default=False)
    ] = None,
    seed: SeedOption = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Write the certificate here, for `dcn net check`.")
    ] = None,
    result: Annotated[
        Path | None, typer.Option(help="Write every obligation with what became of it, as CSV.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw who owes whom, before and after, as SVG.")
    ] = None,
    optimised: Annotated[
        bool, typer.Option("--optimised", help="gridlock: settle more, out of order.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Cancel as much as can be cancelled, and prove that nothing more can.

    The amount cancelled is the largest there is (objective `optimal`), and the result the only
    one for this seed (`unique`), whatever the order of the lines. `cleared` is all that was
    cancelled without cash, pairs set off included; gridlock: settled beyond the cash that moved.
    """
    from node.cli.net import modes, report
    from node.cli.net.paper import Paper
    from node.cli.net.sheets import read_debts

    chosen = mode or (Mode.CYCLES if cash is None else Mode.ROUND)
    if optimised and chosen is not Mode.GRIDLOCK:
        raise UsageWrong("--optimised goes with --mode gridlock")
    salt = _seed(seed) or b""
    debts = read_debts(file, _tell)
    amounts = _cash(cash, debts, chosen)
    tell = _teller(len(debts.amount))
    begin = time.perf_counter()
    posed = modes.pose(chosen, debts, amounts)
    tell(f"solving {posed.graph.pairs:,} pairs of {posed.graph.n:,} members")
    body = modes.certify(posed, salt, optimised=optimised)
    solve_s = time.perf_counter() - begin
    paper = Paper(chosen, salt, posed.digest(), body).encode()
    judged = modes.judge(posed, body, modes.prove(posed, salt, body))
    tell("telling the cycles")
    figures = report.figures(posed, judged) | {
        "certificate_bytes": len(paper),
        "solve_s": round(solve_s, 6),
    }
    contents: list[tuple[Path, bytes]] = []
    if result is not None:
        contents.append((result, report.result_csv(debts, judged)))
    if plot is not None:
        contents.append((plot, report.drawn(posed, judged, file.name)))
    if certificate is not None:
        contents.append((certificate, paper))
    for path, content in contents:
        write_file(path, content)
    if as_json:
        print_json(figures)
    else:
        pairs("Netting", report.readable(figures))


@app.command()
def check(
    file: FileArgument,
    certificate: Annotated[Path, typer.Argument(help="What `dcn net solve` wrote.")],
    cash: CashOption = None,
    mode: Annotated[
        Mode | None, typer.Option(help="The certificate must be of this mode.", show_default=False)
    ] = None,
    seed: Annotated[
        str | None, typer.Option(help="The certificate must be of this seed, hex digits.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a certificate against the obligations, without any solver: exit code 1 if it fails.

    Every amount is rebuilt from the certificate and proved; the file's lines, not the
    certificate, say what was owed. Gridlock and compress need the --cash of the solving.
    """
    from netting.errors import CertificateRefused
    from node.cli.net import modes, report
    from node.cli.net.paper import read_paper
    from node.cli.net.sheets import read_debts

    salt = _seed(seed)
    data = read_bytes(certificate)
    debts = read_debts(file, _tell)
    check_s = 0.0
    found: dict[str, Any]
    try:
        paper = read_paper(data)
        posed = modes.pose(paper.mode, debts, _cash(cash, debts, paper.mode))
        _refuse_other_inputs(paper.mode, paper.seed, mode, salt)
        if posed.digest() != paper.digest:
            raise CertificateRefused("made of other obligations, other members or another --cash")
        begin = time.perf_counter()
        proven = modes.prove(posed, paper.seed, paper.body)
        check_s = time.perf_counter() - begin
        judged = modes.judge(posed, paper.body, proven)
        found = {
            "valid": True,
            "cleared": judged.cleared,
            "objective": judged.objective.name.lower(),
            "unique": judged.unique,
            "mode": paper.mode.value,
            "seed": paper.seed.hex(),
        }
    except CertificateRefused as refused:
        found = {"valid": False, "cleared": None, "code": refused.code, "detail": refused.detail}
    found["check_s"] = round(check_s, 6)
    if as_json:
        print_json(found)
    else:
        pairs("Certificate", report.readable(found))
    raise SystemExit(int(Exit.OK if found["valid"] else Exit.VERDICT))


@app.command()
def explain(
    file: FileArgument,
    member: Annotated[str | None, typer.Option(help="Explain the debts of this member.")] = None,
    obligation: Annotated[
        int | None, typer.Option(help="Explain this obligation; the first in the file is 1.")
    ] = None,
    cash: CashOption = None,
    mode: Annotated[Mode, typer.Option(help="cycles, gross or round.")] = Mode.CYCLES,
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why so much was cancelled and no more: the cycles, the bottlenecks and their prices.

    A price is what one more unit would free: the units that could be cancelled in all, at most,
    if one unit more were owed there, or one unit of cash were lent.
    """
    from node.cli.net import modes
    from node.cli.net.sheets import read_debts
    from node.cli.net.why import Why, told

    if (member is None) == (obligation is None):
        raise UsageWrong("name either a --member or an --obligation")
    if mode not in (Mode.CYCLES, Mode.GROSS, Mode.ROUND):
        raise UsageWrong(f"mode {mode} has no explanation: cycles, gross or round")
    salt = _seed(seed) or b""
    debts = read_debts(file, _tell)
    posed = modes.pose(mode, debts, _cash(cash, debts, mode))
    body = modes.certify(posed, salt)
    why = Why(posed, salt, body)
    if member is not None:
        if member not in debts.labels:
            raise UsageWrong(f"no obligation in {file} is of member {member!r}")
        found = why.member(debts.labels.index(member))
    else:
        assert obligation is not None
        if not 1 <= obligation <= len(debts.amount):
            raise UsageWrong(f"{file} has obligations 1 to {len(debts.amount)}")
        found = why.obligation(obligation - 1)
    if as_json:
        print_json(found)
    else:
        typer.echo(told(found))


@app.command()
def generate(
    shape: Annotated[
        str, typer.Argument(help="core-periphery, trade-credit, ring or adversarial.")
    ],
    members: Annotated[int, typer.Option(help="How many members.", min=2)],
    obligations: Annotated[int, typer.Option(help="How many obligations.", min=1)],
    out: Annotated[Path, typer.Option("--out", help="The CSV file to write.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same file.", min=0)] = 1,
    as_json: JsonOption = False,
) -> None:
    """Write a market to try netting on, in the form that `dcn net solve` reads."""
    from node.cli.net.markets import market_csv

    write_file(out, market_csv(shape, members, obligations, seed))
    figures = {"file": str(out), "shape": shape, "obligations": obligations, "seed": seed}
    if as_json:
        print_json(figures)
    else:
        typer.echo(f"wrote {obligations:,} obligations to {out}")


def _seed(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        raise UsageWrong(f"--seed {text[:80]!r} is not hex") from None
    if len(seed) > SEED_BYTES_MAX:
        raise UsageWrong(f"--seed has {len(seed)} bytes, at most {SEED_BYTES_MAX}")
    return seed


def _cash(path: Path | None, debts: "Debts", mode: Mode) -> "Ints | None":
    from node.cli.net.sheets import read_cash

    if path is None:
        return None
    amounts = read_cash(path, debts.labels)
    if mode not in WITH_CASH:
        sys.stderr.write(f"note: cash changes nothing in mode {mode}\n")
    return amounts


def _refuse_other_inputs(found: Mode, salt: bytes, mode: Mode | None, seed: bytes | None) -> None:
    from netting.errors import CertificateRefused

    if mode is not None and mode is not found:
        raise CertificateRefused(f"of mode {found}, not {mode}")
    if seed is not None and seed != salt:
        raise CertificateRefused(f"of seed {salt.hex() or '(empty)'}, not {seed.hex()}")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


def _teller(obligations: int) -> Callable[[str], None]:
    return _tell if obligations >= LARGE else lambda _: None
