"""`dcn verify-proof`: check a proof file, without any node."""

from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import JsonOption
from node.cli.output import Exit, UsageWrong, fail, print_json, read_bytes, read_text, row_lines
from wire.errors import BadProof, CodedError


def verify_proof(
    file: Annotated[Path, typer.Argument(help="The proof file.")],
    genesis: Annotated[
        Path | None,
        typer.Option(help="The network's genesis: check that its validators signed the header."),
    ] = None,
    header: Annotated[
        Path | None, typer.Option(help="The header you trust, as `dcn block --header` writes it.")
    ] = None,
    header_id: Annotated[
        str | None, typer.Option(help="The id (hex) of the header you trust.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a proof that `dcn prove` made. Works offline; needs no node and no home.

    A header proves nothing by itself, so say what you trust: the genesis (then the signatures of
    two thirds of the validators are checked), or a header you have from a source of your own.
    Exit code 0 only if the proof holds.
    """
    from node.home import read_genesis
    from node.proofs import check_file

    if genesis is None and header is None and header_id is None:
        raise UsageWrong("name what you trust: --genesis, --header or --header-id")
    text = read_text(file)
    known = None if genesis is None else read_genesis(genesis)
    trusted = header_id if header is None else _id_of(header, header_id)
    try:
        found = check_file(text, known, trusted)
    except BadProof as error:
        fail(error, as_json=as_json, code=Exit.VERDICT)
    if as_json:
        print_json(found)
        return
    claim = found["claim"]
    typer.echo(f"The proof holds: {found['chain_id']}, after height {found['state_after_height']}")
    typer.echo(f"  {claim['table']} {' '.join(map(str, claim['key']))}")
    typer.echo("\n".join(row_lines(claim["row"])))
    typer.echo(f"  under header {found['header_id']}")


def _id_of(path: Path, header_id: str | None) -> str:
    """The id of the header in a file, which must be the one given besides, if one is."""
    from node.blocks import Header, block_id
    from wire.codec import decode

    try:
        ident = block_id(decode(read_bytes(path), Header, 1 << 16)).hex()
    except CodedError as error:
        raise UsageWrong(f"{path} is no header: {error}") from None
    if header_id is not None and header_id.lower() != ident:
        raise UsageWrong(f"{path} is header {ident}, not {header_id}")
    return ident
