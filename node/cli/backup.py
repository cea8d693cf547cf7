"""`dcn backup` and `dcn restore`: a node's home as one file, and back."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import pairs, print_json

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="DCN_BACKUP_PASSPHRASE_FILE",
        help="File whose first line is the passphrase of the keys in the backup.",
    ),
]


def backup(
    out: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    home: HomeOption,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="Put the keys in, sealed under a passphrase.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    as_json: JsonOption = False,
) -> None:
    """Back a node up into one file, while it runs or not.

    In it: configuration, genesis, the blotter if it is a .csv beside them, agreed recoveries, and
    the store as it was at one moment, each file's hash in a manifest. With --with-keys the keys,
    and the certificates that the configuration names in the home.
    Never in it: the API token, and what the consensus key has signed, because an older copy of
    that could make the key sign twice; a restored validator follows until it is safe to vote
    (docs/SIGNER.md).
    """
    import msgspec

    from node.home import Home
    from node.operations.backup import back_up
    from node.passphrase import chosen
    from node.shell import now_ms

    phrase = None
    if with_keys:
        phrase = chosen(passphrase_file, "the backup")
    with progress_bar("backing up") as progress:
        made = back_up(Home(home), out.absolute(), now_ms(), phrase, progress)
    if as_json:
        print_json({"file": str(out), **msgspec.to_builtins(made)})
    else:
        pairs(f"Backup {out}", {name: str(value) for name, value in _told(made).items()})


def restore(
    file: Annotated[Path, typer.Argument(help="A file of `dcn backup`.")],
    home: HomeOption,
    passphrase_file: PassphraseFile = None,
    as_json: JsonOption = False,
) -> None:
    """Make a home from a backup, in a directory that is empty or not there.

    Every file is compared with the manifest's hash, and the store is checked, before anything
    stands in its place. The API token is new. Without a passphrase the keys are left out: put
    keys.json into the home yourself. A validator then follows, and votes again by itself when it
    is safe. Never run the old node and the restored one at the same time: one key in two places is
    an equivocator.
    """
    import msgspec

    from node.home import Home
    from node.operations.backup import restore as restored
    from node.passphrase import passphrase_of

    phrase = None if passphrase_file is None else passphrase_of(passphrase_file)
    where = Home(home)
    with progress_bar("restoring") as progress:
        made = restored(file, where, phrase, progress)
    keys = where.keys_file.exists()
    if as_json:
        print_json({"home": str(home), "keys": keys, **msgspec.to_builtins(made)})
        return
    pairs(f"Restored {home}", {name: str(value) for name, value in _told(made).items()})
    if not keys:
        typer.echo(f"Without keys: put keys.json into {home} before `dcn run`.")
    typer.echo("`dcn verify` replays the store; `dcn doctor` looks at the rest.")


def _told(made: object) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(made)
    files = found.pop("files")
    assert isinstance(files, dict)
    return found | {"files": ", ".join(f"{n} ({e['bytes']} bytes)" for n, e in files.items())}


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, if that is a terminal; told what is done, and of how much."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
