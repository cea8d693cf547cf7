"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[
    Path,
    typer.Option("--home", envvar="DCN_HOME", help="The node's home directory.", show_default=True),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
