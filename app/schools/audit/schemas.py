"""The audit trail as the API shows it."""

from uuid import UUID

from pydantic import Field

from app.core.examples import CAMPAIGN_ID
from app.core.schema import Instant, JsonObject, View, exemplify
from app.schools.audit.record import ActorKind

KEY_ID = "019b8d9d-fce0-72c7-a0e1-2b7a0646f922"
"""The API key that the examples tell of."""


class ActorView(View):
    """Who acted: a key or a person of the platform, the operator of the deployment, or the system itself."""

    model_config = exemplify(kind="key", id=KEY_ID, name="Course platform")

    kind: ActorKind
    id: str = Field(description="The key's id, or the platform's id of a person.")
    name: str = Field(description="As it was at the time.")


class ObjectView(View):
    """What was acted upon."""

    model_config = exemplify(kind="campaign", id=CAMPAIGN_ID)

    kind: str = Field(description="The noun, such as `campaign`.")
    id: str | None = Field(
        description="`erased` once the user was; `withheld` where their id looks like an email address."
    )


class AuditEntryView(View):
    """One thing that was done."""

    model_config = exemplify(
        id="019cadc6-9c74-7b81-af37-a043a6f767e7",
        at="2026-03-02T09:00:00Z",
        action="send.campaign",
        request_id="019cadc6-9a7f-71f5-a8b9-145b24d108d7",
        details={},
    )

    id: UUID
    at: Instant
    action: str = Field(description="`verb.noun`, such as `pause.campaign`.")
    actor: ActorView
    object: ObjectView
    request_id: str | None = Field(
        description="The `X-Request-Id` of the answer; null from the command line."
    )
    details: JsonObject = Field(description="What else there is to say of this action; no personal data.")
