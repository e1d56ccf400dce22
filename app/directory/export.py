"""All that is held on one person, for themselves (GDPR, articles 15 and 20)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import become_owner
from app.core.examples import CAMPAIGN_ID
from app.core.schema import Instant, JsonObject, View, exemplify
from app.directory.holdings import Holding
from app.directory.models import PreferenceChange, SoftBounce, Suppression, Unsubscription, User
from app.directory.queries import get_record
from app.directory.registry import RESOURCES
from app.directory.resources import Resource
from app.directory.views import show_record, view_of
from app.schools.audit.record import record

USERS = next(resource for resource in RESOURCES if resource.model is User)
BELONGINGS = tuple(resource for resource in RESOURCES if "user" in resource.references)
"""The resources whose records are some user's."""
ENROLLMENTS = next(resource for resource in BELONGINGS if resource.name == "enrollments")
SOURCES = "`one-click`, `page`, `api`, `sync` or `complaint`."


class UnsubscriptionView(View):
    """A type of message that the address wants no more."""

    model_config = exemplify(
        message_type="marketing", since="2026-02-10T18:20:00Z", source="api", campaign_id=None
    )

    message_type: str
    since: Instant
    source: str = Field(description=SOURCES)
    campaign_id: UUID | None = Field(description="The campaign whose mail it came from, if any.")


class PreferenceChangeView(View):
    """One change of a preference: when, how, and from which campaign."""

    model_config = exemplify(
        message_type="marketing",
        preference="unsubscribed",
        source="api",
        campaign_id=None,
        changed_at="2026-02-10T18:20:00Z",
    )

    message_type: str
    preference: str = Field(description="What it was changed to: `subscribed`, `unsubscribed` or `unset`.")
    source: str = Field(description=SOURCES)
    campaign_id: UUID | None = Field(description="The campaign whose mail it came from, if any.")
    changed_at: Instant


class SuppressionView(View):
    """Why the address is not mailed at all."""

    email: str | None
    reason: str = Field(description="`bounced`, `complained`, `soft_bounced` or `manual`.")
    origin: str = Field(description="`ses` or `api`.")
    campaign_id: UUID | None = Field(description="The campaign whose mail told; null for any other cause.")
    created_at: Instant


class UserExport(View):
    """Everything held on one user. Consent and suppression are the address's, shared by all who have it."""

    model_config = exemplify(
        exported_at="2026-03-03T08:00:00Z",
        user=show_record(USERS),
        records={"enrollments": [show_record(ENROLLMENTS)]},
        suppression=None,
        mail={"campaigns": [{"campaign_id": CAMPAIGN_ID, "delivery_status": "delivered"}]},
    )

    exported_at: Instant
    user: JsonObject = Field(description="The record, as `GET` reads it.")
    records: Mapping[str, Sequence[JsonObject]] = Field(description="Their records, by resource.")
    unsubscriptions: Sequence[UnsubscriptionView]
    preference_history: Sequence[PreferenceChangeView]
    suppression: SuppressionView | None
    suppression_removed_at: Instant | None = Field(
        description="When the address was last taken off the suppression list: soft bounces count from then."
    )
    mail: Mapping[str, Sequence[JsonObject]] = Field(
        description="`campaigns` they were mailed, with status and events; `exclusions` from campaigns, with "
        "the reason; `unplaced_events`, which SES reported and which fit no campaign."
    )


async def export_user(
    session: AsyncSession, *, school_id: UUID, external_id: str, holdings: Sequence[Holding]
) -> UserExport:
    """Gather it, or raise NotFound. The session goes on as the owner, who alone sees unplaced events."""
    await become_owner(session)
    user = await get_record(session, school_id=school_id, model=User, external_id=external_id)
    assert isinstance(user, User)
    record(session, "export.user", school_id=school_id, kind="user", object_id=external_id)
    mail: dict[str, Sequence[JsonObject]] = {}
    for holding in holdings:
        mail |= await holding.read(session, user)
    suppression = await session.get(Suppression, (school_id, user.address_key))
    soft_bounce = await session.get(SoftBounce, (school_id, user.address_key))
    return UserExport(
        exported_at=now(),
        user=_show(USERS, user),
        records={each.name: await _read_records(session, each, user) for each in BELONGINGS},
        unsubscriptions=[
            UnsubscriptionView.model_validate(row)
            for row in await _read_of_address(session, Unsubscription, user, order=Unsubscription.since)
        ],
        preference_history=[
            PreferenceChangeView.model_validate(row)
            for row in await _read_of_address(session, PreferenceChange, user, order=PreferenceChange.id)
        ],
        suppression=SuppressionView.model_validate(suppression) if suppression else None,
        suppression_removed_at=soft_bounce.counted_from if soft_bounce else None,
        mail=mail,
    )


def _show(resource: Resource, row: Any) -> JsonObject:  # a row of that resource's model
    return view_of(resource).model_validate(row).model_dump(mode="json")


async def _read_records(session: AsyncSession, resource: Resource, user: User) -> list[JsonObject]:
    model: Any = resource.model  # it has a `user`, as it refers to one
    query = select(model).where(model.school_id == user.school_id, model.user == user.external_id)
    return [_show(resource, row) for row in await session.scalars(query.order_by(model.external_id))]


async def _read_of_address(session: AsyncSession, model: Any, user: User, *, order: Any) -> Sequence[Any]:
    query = select(model).where(model.school_id == user.school_id, model.address_key == user.address_key)
    return (await session.scalars(query.order_by(order))).all()
