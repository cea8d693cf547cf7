"""The page docs/ERRORS.md, made from the error classes.

python -m node.cli.errors_page > docs/ERRORS.md
"""

from node.cli.explain import PACKAGES, described, every_error
from wire.errors import CodedError

TITLE = """\
# Errors

Every error has a stable code, says whose fault it is and what to do about it; the numbers of the
case stand beside the code (`CASH_INSUFFICIENT: has 12, needs 40`). `dcn explain CODE` says the same
on the command line, with the exit code. This page is made from the classes by
`python -m node.cli.errors_page`; a test holds it current.

A *bug* has no code: the node stops with an assertion rather than diverge from the others.
"""

HEAD = "| Code | Meaning | Fault | Remedy |\n|---|---|---|---|\n"

HEADINGS = {
    "wire": "Bytes, identifiers, signatures and proofs (`wire`)",
    "netting": "Netting (`netting`)",
    "consensus": "Consensus (`consensus`)",
    "ledger": "Transactions, blocks and genesis (`ledger`)",
    "node": "The node: daemon, network, storage, API and command line (`node`)",
}


def page() -> str:
    """The whole page, ending in one newline."""
    parts = [TITLE]
    for package in PACKAGES:
        parts.append(f"\n## {HEADINGS[package]}\n\n{HEAD}")
        parts += [
            _row(kind)
            for kind in every_error().values()
            if kind.__module__.split(".")[0] == package
        ]
    return "".join(parts)


def _row(kind: type[CodedError]) -> str:
    found = described(kind)
    cells = [f"`{found['code']}`", found["meaning"], found["fault"].split(":")[0], found["remedy"]]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
