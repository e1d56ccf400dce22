"""`campaigns …`: every command with an example, every error one clear line and a non-zero exit."""

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import uvicorn
from alembic.util.exc import CommandError
from pydantic import ValidationError
from rich.console import Console

from app import __version__
from app.core.config import Settings, SettingsError, load_settings
from app.core.db import Database, is_disconnect
from app.core.errors import AppError
from app.core.logging import configure_logging
from app.core.migrations import find_gap, migrate
from app.schools import keys, service
from app.schools.schemas import SchoolCreate

app = typer.Typer(
    name="campaigns",
    help="Bulk email for schools: send one message to a filtered group, and watch what becomes of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
school_commands = typer.Typer(help="Schools: the tenants of this deployment.", no_args_is_help=True)
key_commands = typer.Typer(help="API keys of a school.", no_args_is_help=True)
app.add_typer(school_commands, name="school")
app.add_typer(key_commands, name="api-key")


class Complaint(Exception):
    """What stands in the way, in one line."""


@app.command(epilog="Example: campaigns demo --once --recipients 500")
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Check the report and exit: 0 if every number is right.")
    ] = False,
    recipients: Annotated[int, typer.Option(min=10, max=200_000, help="Users of the sample school.")] = 3000,
    port: Annotated[
        int | None, typer.Option(help="Port of the API; without it 8000, or any free one.")
    ] = None,
) -> None:
    """Start everything on this machine, send a campaign to a sample school, and show what became of it."""
    from app.demo.run import run_demo

    raise typer.Exit(run_demo(once=once, recipients=recipients, port=port))


@app.command(epilog="Example: campaigns api --host 0.0.0.0 --port 8000 --workers 2")
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Serve the API, the tracking endpoints and the SES webhook."""
    settings = load_settings()
    configure_logging()
    _check_port(host, port)
    asyncio.run(_check_database(settings))
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=8,
    )


@app.command(epilog="Example: campaigns worker")
def worker() -> None:
    """Send: prepare campaigns, hand mail to SES, settle what became of it. Run as many as you like."""
    from app.worker import run_worker

    settings = load_settings()
    configure_logging()
    asyncio.run(_check_database(settings))
    uvloop_run(run_worker(settings))


@app.command("migrate", epilog="Example: campaigns migrate")
def migrate_command() -> None:
    """Bring the database to the newest schema."""
    settings = load_settings()
    asyncio.run(_check_database(settings, schema=False))
    migrate(settings.database_url)
    typer.echo("The database is up to date.")


@app.command(epilog="Example: campaigns simulator --port 8025 --certificate-dir /tmp/sns")
def simulator(
    certificate_dir: Annotated[Path, typer.Option(help="Receives the topic's key and certificate.")],
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8025,
    public_url: Annotated[str, typer.Option(help="Where opens and clicks go.")] = "http://127.0.0.1:8000",
    rate: Annotated[float, typer.Option(help="MaxSendRate, recipients a second.")] = 1000.0,
) -> None:
    """Run a stand-in for Amazon SES and SNS, with people who open, click, bounce and complain."""
    from app.simulator.server import run
    from app.simulator.settings import Sending, SimulatorSettings

    certificate_dir.mkdir(parents=True, exist_ok=True)
    run(
        SimulatorSettings(
            certificate_dir=certificate_dir,
            port=port,
            public_url=public_url,
            sending=Sending(max_send_rate=rate),
        )
    )


@school_commands.command(
    "create",
    epilog=(
        'Example: campaigns school create --name "Riverside" --timezone Europe/Madrid --from-name "Riverside" '
        '--from-email news@riverside.example --postal-address "1 River Street, Sevilla"'
    ),
)
def create_school(
    name: Annotated[str, typer.Option(help="As recipients see it.")],
    timezone: Annotated[str, typer.Option(help="IANA name, such as Europe/Madrid.")],
    from_name: Annotated[str, typer.Option(help="Name its mail comes from.")],
    from_email: Annotated[str, typer.Option(help="Address its mail comes from; verified in SES.")],
    postal_address: Annotated[str, typer.Option(help="Shown in the footer of marketing mail.")],
) -> None:
    """Create a school and its first API key; the key is shown this once."""
    wanted = SchoolCreate(
        name=name,
        timezone=timezone,
        from_name=from_name,
        from_email=from_email,
        postal_address=postal_address,
    )

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            school = await service.create_school(session, wanted=wanted)
            _, key = await keys.create_key(session, school_id=school.id, name="First key")
        return {"school_id": str(school.id), "api_key": key}

    typer.echo(json.dumps(_with_database(work)))


@key_commands.command("create", epilog="Example: campaigns api-key create SCHOOL_ID --name sync")
def create_api_key(
    school_id: UUID,
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[list[keys.Scope] | None, typer.Option(help="What it may do; all, if left out.")] = None,
) -> None:
    """Create an API key; it is shown this once."""

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            await service.get_school(session, school_id=school_id)
            row, key = await keys.create_key(
                session, school_id=school_id, name=name, scopes=tuple(scope or keys.ALL_SCOPES)
            )
        return {"id": str(row.id), "api_key": key}

    typer.echo(json.dumps(_with_database(work)))


@key_commands.command("list", epilog="Example: campaigns api-key list SCHOOL_ID")
def list_api_keys(school_id: UUID) -> None:
    """List a school's API keys, one JSON object a line."""

    async def work(database: Database) -> list[dict[str, Any]]:
        async with database.system_transaction() as session:
            rows = await keys.list_keys(session, school_id=school_id)
        names = ("id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
        return [{name: getattr(row, name) for name in names} for row in rows]

    for row in _with_database(work):
        typer.echo(json.dumps(row, default=str))


@key_commands.command("revoke", epilog="Example: campaigns api-key revoke SCHOOL_ID KEY_ID")
def revoke_api_key(school_id: UUID, key_id: UUID) -> None:
    """Revoke an API key at once."""

    async def work(database: Database) -> None:
        async with database.system_transaction() as session:
            await keys.revoke_key(session, school_id=school_id, key_id=key_id)

    _with_database(work)
    typer.echo("Revoked.")


@app.command(epilog="Example: campaigns openapi --output openapi/openapi.json")
def openapi(
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if left out.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only compare, exit 1 on a difference.")] = False,
) -> None:
    """Write the OpenAPI document."""
    from app.openapi import write_document

    text = write_document()
    if check:
        if output is None or not output.exists() or output.read_text() != text:
            raise Complaint("The OpenAPI document has drifted: run `campaigns openapi --output …`.")
        return
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text)


def uvloop_run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop."""
    import uvloop

    uvloop.run(work)


def _check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise Complaint(f"Cannot listen on {host}:{port}: {error.strerror}.") from None


async def _check_database(settings: Settings, *, schema: bool = True) -> None:
    database = Database(settings)
    try:
        gap = await find_gap(database) if schema else None
        if not schema:
            async with database.connection():
                pass
    finally:
        await database.close()
    if gap:
        raise Complaint(gap)


def _with_database(work: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:  # whatever work returns
    async def run() -> Any:
        database = Database(load_settings())
        try:
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


def main() -> None:
    """Run the command line; whatever goes wrong is one line on standard error."""
    try:
        app()
    except (SettingsError, Complaint, AppError, CommandError) as error:
        _fail(str(error))
    except ValidationError as error:
        _fail(
            "; ".join(f"--{str(each['loc'][0]).replace('_', '-')}: {each['msg']}" for each in error.errors())
        )
    except Exception as error:
        if type(error).__name__ == "EmbeddedServerError":
            _fail(str(error))
        if not is_disconnect(error):
            raise
        _fail("The database of CAMPAIGNS_DATABASE_URL cannot be reached.")


def _fail(message: str) -> None:
    Console(stderr=True, highlight=False).print(
        f"campaigns: {message}", style="red", soft_wrap=True, markup=False
    )
    sys.exit(1)


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


if __name__ == "__main__":
    main()
