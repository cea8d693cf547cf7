"""`dcn config`: check or show a node's configuration, or what of it is not the default."""

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json

app = typer.Typer(no_args_is_help=True, help="Check, show or compare a node's configuration.")


@app.command()
def validate(home: HomeOption, as_json: JsonOption = False) -> None:
    """Check config.toml, the keys and the genesis of a home, without starting the node.

    Unknown keys are errors; what is wrong is named with file, line and key. Says what `dcn run`
    would refuse: peers that the genesis does not
    know, keys that are not the LEI's, a missing signer state.
    """
    from node.home import Home
    from node.precheck import check_home

    where = Home(home)
    config, warnings = check_home(where)
    if as_json:
        print_json({"ok": True, "lei": config.lei, "warnings": warnings})
        return
    typer.echo(f"{where.config_file} is valid, for {config.lei}.")
    for warning in warnings:
        typer.echo(f"  note: {warning}")


@app.command()
def show(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show the configuration in force: the file, environment overrides, and defaults."""
    import msgspec

    from node.cli.output import pairs
    from node.home import Home

    found = msgspec.to_builtins(Home(home).config())
    if as_json:
        print_json(found)
        return
    for section, content in found.items():
        if isinstance(content, dict):
            pairs(f"[{section}]", content)
        else:
            typer.echo(f"{section} = {content}")


@app.command()
def diff(home: HomeOption, as_json: JsonOption = False) -> None:
    """Show what of the configuration in force is not the default, and where each was set.

    One line a key: the default, the value in force, and the file and line, or the environment
    variable, that sets it. Keys without a default (lei, network) are not compared.
    """
    from node.cli.output import table
    from node.config import changed
    from node.home import Home

    where = Home(home)
    found = changed(where.config(), where.config_file)
    if as_json:
        print_json([{"key": k, "default": d, "value": v, "place": p} for k, d, v, p in found])
    elif found:
        table("Not the default", ["key", "default", "value", "set in"],
              [[k, repr(d), repr(v), p] for k, d, v, p in found])  # fmt: skip
    else:
        typer.echo("Everything is the default.")
