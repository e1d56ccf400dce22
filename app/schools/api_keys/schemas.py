"""API keys as the API shows them."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from app.core.clock import now
from app.core.schema import Body, Instant, View, exemplify
from app.schools.audit.schemas import KEY_ID, ActorView
from app.schools.models import ApiKey
from app.schools.schemas import SenderName
from app.schools.scopes import Scope


def _is_ahead(value: Instant) -> Instant:
    if value <= now():
        raise ValueError("must lie in the future")
    return value


class ApiKeyCreate(Body):
    """A new API key."""

    model_config = exemplify(name="Course platform", scopes=["directory:write", "messages:send"])

    name: SenderName = Field(description="What it is for.")
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))] | None = Field(
        default=None, description="What it may do; all that its maker may, if left out."
    )
    expires_at: Annotated[Instant, AfterValidator(_is_ahead)] | None = Field(
        default=None, description="When it ends; never, if left out."
    )


class ApiKeyView(View):
    """An API key, without the key itself."""

    model_config = exemplify(
        id=KEY_ID,
        name="Course platform",
        scopes=["directory:write", "messages:send"],
        created_at="2026-01-05T10:05:00Z",
        expires_at=None,
        revoked_at=None,
        last_used_at="2026-03-02T09:00:00Z",
    )

    id: UUID
    name: str
    scopes: list[str] = Field(description="What it may do.")
    created_at: Instant
    created_by: ActorView | None = Field(description="Who made it; null for a key older than that record.")
    expires_at: Instant | None = Field(description="Null is never.")
    revoked_at: Instant | None
    last_used_at: Instant | None = Field(description="To the minute.")


class ApiKeyCreated(ApiKeyView):
    """A new API key with the key itself, which is shown this once."""

    key: str = Field(description="The credential: `Authorization: Bearer …`.", examples=[f"ck_{'A' * 86}"])


def read_fields(row: ApiKey) -> dict[str, object]:
    """Return what is shown of a key."""
    maker = None
    if row.created_by_kind is not None:
        maker = {"kind": row.created_by_kind, "id": row.created_by_id, "name": row.created_by_name}
    shown = ("id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
    return {"created_by": maker} | {name: getattr(row, name) for name in shown}


def show_key(row: ApiKey) -> ApiKeyView:
    """Return the key as the list shows it."""
    return ApiKeyView.model_validate(read_fields(row))
