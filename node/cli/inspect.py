"""`dcn inspect`: say what some bytes are."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import JsonOption
from node.cli.output import Exit, pairs, print_json


def inspect(
    source: Annotated[str, typer.Argument(help="A file, hex digits, or `-` for standard input.")],
    key: Annotated[str, typer.Option(help="State key (hex) that the bytes are the row of.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Decode any bytes of the network, its stores and its files, with an independent decoder.

    Recognises genesis, blocks, headers, transactions, bundles, direct messages, proofs, votes and
    certificates, log records, a whole consensus log, signer state, receipts, events, state keys
    and state rows. Says whether the encoding is the canonical one: exit code 1 if it is not.
    """
    import msgspec

    from node.inspection import Unreadable, bytes_of, inspect_log, is_log
    from node.inspection import inspect as inspected

    data = bytes_of(source, sys.stdin.buffer.read)
    if is_log(data) and Path(source).is_file():
        print_json(inspect_log(Path(source)))
        return
    try:
        found = inspected(data, bytes.fromhex(key) if key else None)
    except ValueError:
        raise Unreadable("--key is no hex") from None
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        what = found.kinds[0] if found.kinds else "nothing that this network knows"
        shown = {"what": what, "bytes": found.size, "sha256": found.sha256}
        if found.ident:
            shown["id"] = found.ident
        if len(found.kinds) > 1:
            shown["also reads as"] = ", ".join(found.kinds[1:])
        shown["canonical"] = "yes" if found.canonical else f"no: {found.why_not}"
        pairs(source if len(source) < 80 else f"{source[:60]}…", shown)
        value = found.raw if found.value is None else found.value
        typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
    raise SystemExit(int(Exit.OK if found.canonical else Exit.VERDICT))
