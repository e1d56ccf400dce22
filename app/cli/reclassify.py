"""`campaigns reclassify`: today's rules about machines, run over the opens and clicks that are kept."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.complaint import Complaint


def reclassify(
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.", show_default=False)] = None,
    school: Annotated[str | None, typer.Option(help="Only this school.", show_default=False)] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only campaigns sent since this day or instant (UTC).", show_default=False),
    ] = None,
) -> None:
    """Tell machines from people again, by today's rules; counters follow. Safe to interrupt and repeat."""
    school_id, campaign_id = _read_id("school", school), _read_id("campaign", campaign)
    chosen = (school_id, campaign_id, _read_instant(since))

    from app.core.config import load_settings

    settings = load_settings()

    from app.core.db import Database
    from app.tracking.reclassifying import Choice

    asyncio.run(_run(Database(settings, name="campaigns-reclassify"), Choice(*chosen)))


async def _run(database, choice) -> None:  # type: ignore[no-untyped-def]  # loaded when called
    from app.cli.database import check_schema
    from app.tracking.reclassifying import reclassify as judge_again

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    changed = total = 0
    try:
        await check_schema(database)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("recipients", total=None)
            async for each in judge_again(database, choice):
                changed, total = each.changed, each.total
                bar.update(task, completed=each.passed, total=total)
    finally:
        await database.close()
    typer.echo(f"{total:,} recipients looked at, {changed:,} changed.")


def _read_id(name: str, value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise Complaint(f"--{name}: {value!r} is not an id.") from None


def _read_instant(value: str | None) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value) if value else None
    except ValueError:
        raise Complaint(f"--since: {value!r} is not a day or an instant, such as 2026-03-01.") from None
    return instant.replace(tzinfo=instant.tzinfo or UTC) if instant else None
