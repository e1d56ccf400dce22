"""The commands that run something: the demo, the API, a worker, the simulator; and the migrations."""

import asyncio
import re
import socket
from pathlib import Path
from typing import Annotated

import typer

from app.cli.complaint import Complaint

processes = typer.Typer()


@processes.command(epilog="Example: campaigns demo --once --recipients 500")
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


@processes.command(epilog="Example: campaigns api --host 0.0.0.0 --port 8000 --workers 2")
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Serve the API, the tracking endpoints and the SES webhook."""
    import uvicorn

    from app.core.config import load_settings

    settings = load_settings()
    _check_port(host, port)

    from app.cli.database import check_database
    from app.core.logging import configure_logging
    from app.core.open_files import allow_many_files

    configure_logging()
    asyncio.run(check_database(settings))
    allow_many_files()  # every listener, browser and platform is one
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=8,
    )


@processes.command(epilog="Example: campaigns worker")
def worker() -> None:
    """Send: prepare campaigns, hand mail to SES, settle what became of it. Run as many as you like."""
    from app.core.config import load_settings

    settings = load_settings()

    import uvloop

    from app.cli.database import check_database
    from app.core.logging import configure_logging
    from app.worker import run_worker

    configure_logging()
    asyncio.run(check_database(settings))
    uvloop.run(run_worker(settings))


@processes.command("migrate", epilog="Example: campaigns migrate")
def migrate_command() -> None:
    """Bring the database to the newest schema."""
    from app.core.config import load_settings

    settings = load_settings()

    from app.cli.database import check_database
    from app.core.migrations import migrate

    asyncio.run(check_database(settings, schema=False))
    migrate(settings.database_url)
    typer.echo("The database is up to date.")


@processes.command(epilog="Example: campaigns simulator --port 8025 --certificate-dir /tmp/sns")
def simulator(
    certificate_dir: Annotated[Path, typer.Option(help="Receives the topic's key and certificate.")],
    certificate_id: Annotated[
        str | None, typer.Option(help="Hexadecimal name of a new certificate; its hash if left out.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8025,
    webhook: Annotated[
        str | None, typer.Option(help="URL to subscribe to the topic, as soon as it answers.")
    ] = None,
    public_url: Annotated[str, typer.Option(help="Where opens and clicks go.")] = "http://127.0.0.1:8000",
    rate: Annotated[float, typer.Option(help="MaxSendRate, recipients a second.")] = 1000.0,
) -> None:
    """Run a stand-in for Amazon SES and SNS, with people who open, click, bounce and complain."""
    from app.simulator.server import run
    from app.simulator.settings import Sending, SimulatorSettings

    if certificate_id is not None and not re.fullmatch("[0-9a-f]{1,128}", certificate_id):
        raise Complaint("--certificate-id: must be hexadecimal, 128 digits at most.")
    certificate_dir.mkdir(parents=True, exist_ok=True)
    run(
        SimulatorSettings(
            certificate_dir=certificate_dir,
            certificate_id=certificate_id,
            host=host,
            port=port,
            webhook=webhook,
            public_url=public_url,
            sending=Sending(max_send_rate=rate),
        )
    )


def _check_port(host: str, port: int) -> None:
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise Complaint(
            f"Cannot listen on {host}:{port}: {error.strerror}; choose another with --port."
        ) from None
