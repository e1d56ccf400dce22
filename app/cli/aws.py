"""`campaigns aws`: the SES and SNS side of a deployment, set up, examined, and its lost events fetched."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from app.cli.complaint import Complaint

SETUP = "Example: campaigns aws setup --dry-run"
aws_commands = typer.Typer(
    help="The AWS account: what SES, SNS and SQS need to know.", no_args_is_help=True, epilog=SETUP
)


@aws_commands.command(epilog=SETUP)
def setup(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
) -> None:
    """Create or complete all that SES's events need to get here; safe to repeat."""
    _run(_set_up(dry_run=dry_run))


@aws_commands.command(epilog="Example: campaigns aws doctor --hours 24")
def doctor(
    hours: Annotated[int, typer.Option(min=1, help="How old SES's last event may be.")] = 24,
) -> None:
    """Look whether mail would go out and events come back; exits with 1 when anything is wrong."""
    if not _run(_examine(hours)):
        raise typer.Exit(1)


@aws_commands.command(epilog="Example: campaigns aws redrive")
def redrive(
    to: Annotated[
        str | None, typer.Option(help="URL of the API; the public one if left out.", show_default=False)
    ] = None,
) -> None:
    """Deliver again what SNS gave up on; exits with 1 unless all was taken."""
    taken, refused = _run(_redrive(to))
    typer.echo(f"{taken:,} events delivered, {refused:,} refused.")
    if refused:
        raise typer.Exit(1)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from app.mail.setup.clients import AwsError

    try:
        return asyncio.run(work)
    except AwsError as error:
        raise Complaint(str(error)) from None


async def _set_up(*, dry_run: bool) -> None:
    from app.core.config import load_settings
    from app.mail.setup.clients import open_aws
    from app.mail.setup.complete import complete_account
    from app.operations.aws.wanted import plan_deployment

    settings = load_settings()
    async with open_aws() as aws:
        wanted = await plan_deployment(aws, settings)
        async for step in complete_account(aws, wanted, dry_run=dry_run):
            detail = f" ({step.detail})" if step.detail else ""
            typer.echo(f"{step.thing}: {step.done}{detail}")
    typer.echo("\nSettings of every process:")
    typer.echo(f"CAMPAIGNS_SES_CONFIGURATION_SET={wanted.configuration_set}")
    typer.echo(f"CAMPAIGNS_SNS_TOPIC_ARNS={wanted.topic_arn}")


async def _examine(hours: int) -> bool:
    import httpx

    from app.cli.diagnoses import show_diagnoses
    from app.core.config import load_settings
    from app.mail.setup.doctor.dmarc import SystemResolver
    from app.operations.aws.examine import examine_aws

    settings = load_settings()
    async with httpx.AsyncClient() as client:
        found = examine_aws(settings, hours=hours, resolver=SystemResolver(), client=client)
        return await show_diagnoses(found)


async def _redrive(to: str | None) -> tuple[int, int]:
    import httpx
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from app.core.config import load_settings
    from app.mail.setup.clients import open_aws
    from app.mail.setup.redrive import redrive_events
    from app.operations.aws.wanted import WEBHOOK, plan_deployment

    settings = load_settings()
    results = {True: 0, False: 0}
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.completed} events"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    async with open_aws() as aws, httpx.AsyncClient() as client:
        wanted = await plan_deployment(aws, settings)
        post_to = (to.rstrip("/") + WEBHOOK) if to else wanted.webhook
        with progress as bar:
            task = bar.add_task("", total=None)
            async for taken in redrive_events(aws, wanted, client, post_to=post_to):
                results[taken] += 1
                bar.advance(task)
    return results[True], results[False]
