"""Audiences as the API takes and answers them."""

from collections.abc import Mapping

from pydantic import Field

from app.audience.audience import Audience
from app.audience.catalogue import FilterKind
from app.audience.resolve import MessageType
from app.core.schema import Body, View, exemplify


class PreviewRequest(Body):
    """An audience, and the type of message it would get (which decides whose preferences count)."""

    model_config = exemplify(
        audience={"filter": {"kind": "group", "group": "choir"}}, message_type="newsletter"
    )

    audience: Audience
    message_type: MessageType


class PreviewPerson(View):
    """Somebody who would be mailed."""

    user: str = Field(description="The platform's own id of the user.")
    name: str
    email: str


class AudiencePreview(View):
    """`matched` is always `recipients` plus everyone excluded."""

    matched: int
    recipients: int
    excluded: Mapping[str, int]
    sample: list[PreviewPerson]


class FilterCatalogue(View):
    """Every kind of filter there is."""

    filters: list[FilterKind]
