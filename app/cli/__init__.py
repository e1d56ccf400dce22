"""`campaigns …`: every command with an example, every error one clear line and a non-zero exit.

A command loads what it does when it is called, so that help and a wrong option are answered at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from app import __version__
from app.cli.aws import aws_commands
from app.cli.complaint import Complaint
from app.cli.doctor import doctor
from app.cli.imports import import_file
from app.cli.processes import processes
from app.cli.reclassify import reclassify
from app.cli.schools import key_commands, school_commands
from app.cli.shard import shard

DOCUMENT = Path("openapi/openapi.json")

app = typer.Typer(
    name="campaigns",
    help="Bulk email for schools: send one message to a filtered group, and watch what becomes of it.",
    epilog="Example: campaigns demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(processes)
app.add_typer(school_commands, name="school")
app.add_typer(key_commands, name="api-key")
app.add_typer(aws_commands, name="aws")
app.command(epilog="Example: campaigns doctor --quick")(doctor)
app.command(epilog="Example: campaigns reclassify --since 2026-03-01")(reclassify)
app.command(epilog="Example: campaigns shard --dry-run")(shard)
app.command("import", epilog="Example: campaigns import users users.csv")(import_file)


@app.command(epilog="Example: campaigns openapi --output openapi/openapi.json")
def openapi(
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if left out.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare, exit 1 on a difference (openapi/openapi.json).")
    ] = False,
) -> None:
    """Write the OpenAPI document."""
    if check:
        _check_document(output or DOCUMENT)
        return

    from app.openapi import write_document

    text = write_document()
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text)


def _check_document(path: Path) -> None:
    if not path.exists():
        raise Complaint(f"{path} does not exist: write it with `campaigns openapi --output {path}`.")

    from app.openapi import write_document

    if path.read_text() != write_document():
        raise Complaint(f"{path} has drifted from the API: run `campaigns openapi --output {path}`.")


def main() -> None:
    """Run the command line; whatever goes wrong is one line on standard error."""
    try:
        app()
    except Exception as error:
        from app.cli.failures import explain, fail

        message = explain(error)
        if message is None:
            raise
        fail(message)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass
