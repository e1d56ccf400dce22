"""What the API answers about imports."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.clock import now
from app.core.schema import Instant, View, exemplify
from app.directory.imports.models import Import

DEAD_AFTER = timedelta(minutes=5)
"""A running import is heard of far more often."""
ABANDONED = "The server stopped while it ran; what was stored stays. Send the file again."

ImportFormat = TypeAliasType("ImportFormat", Literal["ndjson", "csv"])
ImportStatus = TypeAliasType("ImportStatus", Literal["running", "completed", "failed"])


class ImportView(View):
    """One file: how far it is, and what became of its rows.

    `rows_read` = `rows_stored` + `rows_rejected`, and `rows_stored` = `created` + `updated` + `unchanged`,
    always. A row that names a record for the second time in its file updates it.
    """

    model_config = exemplify(
        id="019c7b59-ab00-7d94-a2f6-4886578d8747",
        resource="users",
        format="csv",
        status="completed",
        status_reason=None,
        rows_read=127,
        rows_stored=126,
        rows_rejected=1,
        created=120,
        updated=5,
        unchanged=1,
        preferences_kept=0,
        bytes_read=9120,
        created_at="2026-02-20T14:00:00Z",
        finished_at="2026-02-20T14:00:01Z",
    )

    id: UUID
    resource: str = Field(description="What the rows are, such as `users`.")
    format: ImportFormat
    status: ImportStatus
    status_reason: str | None = Field(description="Why it failed, in plain words.")
    rows_read: int
    rows_stored: int
    rows_rejected: int
    created: int = Field(description="Rows whose record is new.")
    updated: int = Field(description="Rows whose record was another before.")
    unchanged: int = Field(description="Rows whose record was the same before.")
    preferences_kept: int = Field(
        description="Unsubscriptions made here that a row's `subscribed` did not undo."
    )
    bytes_read: int
    created_at: Instant
    finished_at: Instant | None


class RejectionView(View):
    """Why a row was not stored: the line it begins on, the field (empty: the row itself), the reason."""

    model_config = exemplify(line=58, field="email", reason="is not an email address")

    line: int = Field(description="The line of the file on which the row begins; the first is 1.")
    field: str = Field(description="Empty for the row itself.")
    reason: str


def view_import(row: Import) -> ImportView:
    """Describe an import; one that nobody has heard of for long has failed with its process."""
    view = ImportView.model_validate(row)
    if row.status == "running" and row.progressed_at < now() - DEAD_AFTER:
        return view.model_copy(update={"status": "failed", "status_reason": ABANDONED})
    return view
