"""Audiences as the API takes and answers them."""

from collections.abc import Mapping

from pydantic import Field, JsonValue

from app.audience.audience import Audience
from app.audience.catalogue import FilterKind
from app.audience.resolve import MessageType
from app.core.schema import Body, View, exemplify

EXCLUDED: dict[str, JsonValue] = {
    "unsubscribed": 3,
    "suppressed": 1,
    "duplicate_address": 2,
    "unsendable_address": 0,
    "erased": 0,
}
"""Whom the campaign of the examples leaves out."""


class PreviewRequest(Body):
    """An audience, and the type of message it would get (which decides whose preferences count)."""

    model_config = exemplify(
        audience={"filter": {"kind": "group", "group": "choir-parents"}}, message_type="newsletter"
    )

    audience: Audience
    message_type: MessageType


class PreviewPerson(View):
    """Somebody who would be mailed."""

    model_config = exemplify(user="u-7", name="Ines Jensen", email="ines.jensen@riverside.example")

    user: str = Field(description="The platform's own id of the user.")
    name: str
    email: str


class AudiencePreview(View):
    """`matched` is always `recipients` plus everyone excluded."""

    model_config = exemplify(matched=126, recipients=120, excluded=EXCLUDED)

    matched: int = Field(description="Users whom the audience names.")
    recipients: int = Field(description="Those who would be mailed.")
    excluded: Mapping[str, int] = Field(description="The others: how many for each reason.")
    sample: list[PreviewPerson] = Field(description="Up to ten of the recipients.")


class FilterCatalogue(View):
    """Every kind of filter there is."""

    filters: list[FilterKind]
