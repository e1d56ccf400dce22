"""Mailing lists as the API takes and answers them."""

from uuid import UUID

from app.audience.audience import FilteredAudience
from app.core.schema import Body, Instant, JsonObject, Name, View, exemplify


class MailingListBody(Body):
    """A name, unique in the school, and an audience, which is no list itself."""

    model_config = exemplify(name="Choir", audience={"filter": {"kind": "group", "group": "choir"}})

    name: Name
    audience: FilteredAudience


class MailingListView(View):
    """A saved audience."""

    id: UUID
    name: str
    audience: JsonObject
    created_at: Instant
    updated_at: Instant
