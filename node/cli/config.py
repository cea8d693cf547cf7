"""`dcn config`: check or show a node's configuration."""

import typer

from node.cli.options import HomeOption, JsonOption
from node.cli.output import print_json

app = typer.Typer(no_args_is_help=True, help="Check or show a node's configuration.")


@app.command()
def validate(home: HomeOption, as_json: JsonOption = False) -> None:
    """Check config.toml, the keys and the genesis of a home, without starting the node.

    Unknown keys are errors. Says what `dcn run` would refuse: peers that the genesis does not
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
