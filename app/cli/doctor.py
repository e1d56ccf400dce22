"""`campaigns doctor`: is the deployment well?"""

import asyncio
from typing import Annotated

import typer


def doctor(
    quick: Annotated[bool, typer.Option("--quick", help="Leave the recount of every campaign out.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Rewrite counters that differ from the recount.")
    ] = False,
) -> None:
    """Look at services, schema, work and counters; exits with 1 when anything is wrong."""
    from app.core.config import load_settings

    settings = load_settings()

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from app.cli.diagnoses import show_diagnoses
    from app.operations.doctor.examine import Examination, examine_deployment

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def advance(done: int, total: int) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task("campaigns recounted")
            bar.update(task, completed=done, total=total)

        how = Examination(quick=quick, repair=repair)
        is_well = asyncio.run(show_diagnoses(examine_deployment(settings, how, on_progress=advance)))
    if not is_well:
        raise typer.Exit(1)
