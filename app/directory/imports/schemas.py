"""What the API answers about imports."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from app.core.clock import now
from app.core.schema import Instant, View
from app.directory.imports.models import Import

DEAD_AFTER = timedelta(minutes=5)
"""A running import is heard of far more often."""
ABANDONED = "The server stopped while it ran; what was stored stays. Send the file again."

Format = Literal["ndjson", "csv"]


class ImportView(View):
    """One file: how far it is, and what became of its rows.

    `rows_read` = `rows_stored` + `rows_rejected`, and `rows_stored` = `created` + `updated` + `unchanged`,
    always. A row that names a record for the second time in its file updates it.
    """

    id: UUID
    resource: str
    format: Format
    status: Literal["running", "completed", "failed"]
    status_reason: str | None
    rows_read: int
    rows_stored: int
    rows_rejected: int
    created: int
    updated: int
    unchanged: int
    preferences_kept: int
    bytes_read: int
    created_at: Instant
    finished_at: Instant | None


class RejectionView(View):
    """Why a row was not stored: the line it begins on, the field (empty: the row itself), the reason."""

    line: int
    field: str
    reason: str


def view_import(row: Import) -> ImportView:
    """Describe an import; one that nobody has heard of for long has failed with its process."""
    view = ImportView.model_validate(row)
    if row.status == "running" and row.progressed_at < now() - DEAD_AFTER:
        return view.model_copy(update={"status": "failed", "status_reason": ABANDONED})
    return view
