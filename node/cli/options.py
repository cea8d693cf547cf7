"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="DCN_HOME", help="The node's home directory.", show_default=True),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write to this file instead of the screen.")
]

PROOF_OF = "balance LEI ASSET; trade UTI; member LEI; asset, instrument or feed CODE; " + (
    "netting_set LEI LEI; round NUMBER; result ROUND [LEI or account]"
)
"""What can be proved, for help texts."""
