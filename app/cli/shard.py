"""`campaigns shard`: the tables distributed over the nodes of Citus, by school."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.complaint import Complaint

if TYPE_CHECKING:
    from app.core.config import Settings

OnStep = Callable[[int, int, str], None]


def shard(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL and change nothing.")] = False,
) -> None:
    """Distribute every table over Citus by school, in one transaction; safe to repeat after a migration."""
    from app.core.config import load_settings

    settings = load_settings()

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from app.operations.shard.plan import Unshardable

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def advance(done: int, total: int, statement: str) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task("", total=total)
            bar.update(task, completed=done, description=statement.splitlines()[0][:60])

        try:
            statements, count = asyncio.run(_shard(settings, advance, dry_run=dry_run))
        except Unshardable as error:
            raise Complaint(str(error)) from None
    for statement in statements:
        typer.echo(f"{statement};")
    if not dry_run:
        typer.echo(f"{count} statements run." if count else "Everything is distributed already.")


async def _shard(settings: "Settings", on_step: OnStep, *, dry_run: bool) -> tuple[Sequence[str], int]:
    from app.cli.database import check_schema
    from app.core.db import Database
    from app.operations.shard.apply import distribute_tables, plan_statements

    database = Database(settings, name="campaigns-shard")
    try:
        await check_schema(database)
        if dry_run:
            return await plan_statements(database), 0
        return (), await distribute_tables(database, on_step=on_step)
    finally:
        await database.close()
