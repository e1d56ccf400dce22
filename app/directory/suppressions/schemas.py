"""Suppressions as the API takes and answers them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Body, Instant, View
from app.directory.schemas import Email

MOST_ITEMS = 1000
Reason = Literal["bounced", "complained", "soft_bounced", "manual"]


class SuppressionItem(Body):
    """One address; case does not matter."""

    address: Email


class SuppressionBatch(Body):
    """The addresses of one call: all of them are taken, or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [{"address": "leo@mail.example"}]}]})

    items: Annotated[list[SuppressionItem], Field(min_length=1, max_length=MOST_ITEMS)]


class SuppressionEntry(View):
    """An address that is not mailed, and why."""

    id: UUID = Field(description="Stands for the address in paths; one address has the same one always.")
    address: str | None = Field(description="Null once the person was erased; the address stays suppressed.")
    reason: Reason = Field(description="The first there was; soft bounces in a row give way to any other.")
    origin: Literal["ses", "api"]
    campaign_id: UUID | None
    created_at: Instant


class SuppressionsAdded(View):
    """What a batch added; the two numbers are those of different addresses."""

    added: int
    already_suppressed: int


class SuppressionsRemoved(View):
    """What a batch removed; the two numbers are those of different addresses."""

    removed: int
    not_suppressed: int
