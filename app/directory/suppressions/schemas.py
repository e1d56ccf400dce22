"""Suppressions as the API takes and answers them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType

from app.core.examples import CAMPAIGN_ID
from app.core.schema import Body, Instant, View, exemplify
from app.directory.fields import Email

MOST_ITEMS = 1000
SuppressionReason = TypeAliasType(
    "SuppressionReason", Literal["bounced", "complained", "soft_bounced", "manual"]
)
SuppressionOrigin = TypeAliasType("SuppressionOrigin", Literal["ses", "api"])


class SuppressionItem(Body):
    """One address; case does not matter."""

    address: Email


class SuppressionBatch(Body):
    """The addresses of one call: all of them are taken, or none."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"address": "leo.brandt@mail.example"}]}]}
    )

    items: Annotated[list[SuppressionItem], Field(min_length=1, max_length=MOST_ITEMS)]


class SuppressionEntry(View):
    """An address that is not mailed, and why."""

    model_config = exemplify(
        id="3d9b5c1e-8a52-5b07-9f4e-6c1d2a7b8e90",
        address="leo.brandt@mail.example",
        reason="bounced",
        origin="ses",
        campaign_id=CAMPAIGN_ID,
        created_at="2026-03-02T09:00:04Z",
    )

    id: UUID = Field(description="Stands for the address in paths; one address has the same one always.")
    address: str | None = Field(description="Null once the person was erased; the address stays suppressed.")
    reason: SuppressionReason = Field(
        description="The first there was; soft bounces in a row give way to any other."
    )
    origin: SuppressionOrigin = Field(description="What SES told of, or a call of this API.")
    campaign_id: UUID | None = Field(description="The campaign whose mail told; null for any other cause.")
    created_at: Instant


class SuppressionsAdded(View):
    """What a batch added; the two numbers are those of different addresses."""

    model_config = exemplify(added=1, already_suppressed=0)

    added: int = Field(description="Addresses that were mailed until now.")
    already_suppressed: int = Field(description="Addresses that were not.")


class SuppressionsRemoved(View):
    """What a batch removed; the two numbers are those of different addresses."""

    model_config = exemplify(removed=1, not_suppressed=0)

    removed: int = Field(description="Addresses that were on the list.")
    not_suppressed: int = Field(description="Addresses that were not.")
