"""The audit trail as the API shows it."""

from uuid import UUID

from pydantic import Field

from app.core.schema import Instant, JsonObject, View
from app.schools.audit.record import ActorKind


class ActorView(View):
    """Who acted: a key or a person of the platform, the operator of the deployment, or the system itself."""

    kind: ActorKind
    id: str
    name: str = Field(description="As it was at the time.")


class ObjectView(View):
    """What was acted upon."""

    kind: str
    id: str | None = Field(
        description="`erased` once the user was; `withheld` where their id looks like an email address."
    )


class AuditEntryView(View):
    """One thing that was done."""

    id: UUID
    at: Instant
    action: str = Field(description="`verb.noun`, such as `pause.campaign`.")
    actor: ActorView
    object: ObjectView
    request_id: str | None = Field(
        description="The `X-Request-Id` of the answer; null from the command line."
    )
    details: JsonObject
