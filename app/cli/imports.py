"""`campaigns import`: a file of records sent to the API, with a progress bar, and what became of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.cli.complaint import Complaint

KINDS = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
PIECE = 64 * 1024
SHOWN = 20
"""Rejections that are printed; the API lists them all."""
PATIENCE = httpx.Timeout(30, read=300)
"""Seconds; the answer to a long file comes once its last rows are stored."""


def import_file(
    resource: Annotated[str, typer.Argument(help="What its rows are: users, courses, enrollments, …")],
    file: Annotated[Path, typer.Argument(help="A .csv, .ndjson or .jsonl file in UTF-8.")],
    api: Annotated[
        str, typer.Option(envvar="CAMPAIGNS_PUBLIC_URL", help="URL of the API.")
    ] = "http://127.0.0.1:8000",
    key: Annotated[
        str, typer.Option(envvar="CAMPAIGNS_API_KEY", help="API key of the school.", show_default=False)
    ] = "",
) -> None:
    """Import a file of records; exits with 1 unless every row was stored."""
    kind = KINDS.get(file.suffix.lower())
    if kind is None:
        raise Complaint(f"{file}: the name must end in {', '.join(KINDS)}.")
    if not key:
        raise Complaint("An API key is needed: --key, or the variable CAMPAIGNS_API_KEY.")
    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(base_url=api, headers=headers, timeout=PATIENCE, trust_env=False) as client:
            done = _send(client, resource, file, kind)
            rejections = _read_rejections(client, done["id"]) if done["rows_rejected"] else []
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Complaint(f"The API at {api} cannot be reached: {error}.") from None
    _show(done, rejections)
    if done["status"] != "completed" or done["rows_rejected"]:
        raise typer.Exit(1)


def _send(client: httpx.Client, resource: str, file: Path, kind: str) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with file.open("rb") as content, progress as bar:
        task = bar.add_task(f"{resource} from {file.name}", total=file.stat().st_size)

        def read() -> Iterator[bytes]:
            while piece := content.read(PIECE):
                yield piece
                bar.advance(task, len(piece))

        answer = client.post(
            "/v1/imports", params={"resource": resource}, content=read(), headers={"Content-Type": kind}
        )
    return _read(answer)


def _read_rejections(client: httpx.Client, import_id: str) -> list[dict[str, Any]]:
    page = _read(client.get(f"/v1/imports/{import_id}/rejections", params={"limit": SHOWN}))
    rejections: list[dict[str, Any]] = page["items"]
    return rejections


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Complaint(f"The answer ({answer.status_code}) is not the Campaigns API's.")
    if answer.is_success:
        return body
    faults = [f"{fault['pointer']} {fault['detail']}" for fault in body.get("errors", [])]
    raise Complaint(" ".join([str(body.get("detail", answer.status_code)), "; ".join(faults)]).strip())


def _show(done: dict[str, Any], rejections: list[dict[str, Any]]) -> None:
    console = Console(highlight=False)
    console.print(
        f"{done['resource']}: {done['rows_read']:,} rows read, {done['rows_stored']:,} stored "
        f"({done['created']:,} created, {done['updated']:,} updated, {done['unchanged']:,} unchanged), "
        f"{done['rows_rejected']:,} rejected.",
        soft_wrap=True,
    )
    if done["preferences_kept"]:
        console.print(f"Unsubscriptions kept against the file: {done['preferences_kept']:,}.")
    if done["status"] != "completed":
        console.print(f"The import {done['status']}: {done['status_reason']}", markup=False, soft_wrap=True)
    if rejections:
        table = Table("line", "field", "reason", title="Rejected", title_justify="left")
        for each in rejections:
            table.add_row(str(each["line"]), each["field"] or "(row)", each["reason"])
        console.print(table, markup=False)
        console.print(f"All of them: GET /v1/imports/{done['id']}/rejections", soft_wrap=True)
