"""Mailing lists as the API takes and answers them."""

from uuid import UUID

from pydantic import Field

from app.audience.audience import FilteredAudience
from app.core.schema import Body, Instant, JsonObject, Name, View, exemplify


class MailingListBody(Body):
    """A name, unique in the school, and an audience, which is no list itself."""

    model_config = exemplify(
        name="Choir parents", audience={"filter": {"kind": "group", "group": "choir-parents"}}
    )

    name: Name
    audience: FilteredAudience


class MailingListView(View):
    """A saved audience."""

    model_config = exemplify(
        id="019c7b90-9980-7a33-a039-5cc0a53ad120",
        name="Choir parents",
        audience={"filter": {"kind": "group", "group": "choir-parents"}},
        created_at="2026-02-20T15:00:00Z",
        updated_at="2026-02-20T15:00:00Z",
    )

    id: UUID
    name: str
    audience: JsonObject = Field(description="As it was saved: a `filter`, and what narrows it.")
    created_at: Instant
    updated_at: Instant
