"""What one user wishes to be sent: seen with the proof of consent, and set by an administrator.

Wishes are the address's: whoever else of the school has it shares them, and their history.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import TypeAliasType

from app.core.clock import now
from app.core.errors import Fault, InvalidInput
from app.core.pages import decode_cursor, make_page
from app.core.schema import Body, Instant, Page, View, exemplify
from app.directory.consent import SUBSCRIBABLE, ConsentChange, change_consent, read_left
from app.directory.export import PreferenceChangeView
from app.directory.models import PreferenceChange, Suppression, User
from app.directory.queries import get_record
from app.directory.schemas import Preference
from app.schools.audit.record import record
from app.schools.service import get_school

PAGE = 50
Wish = TypeAliasType("Wish", Literal["subscribed", "unsubscribed"])


class PreferencesPatch(Body):
    """Wishes to record, at least one; what is left out stays. Nobody's wish can be made unsaid (`unset`)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"marketing": "unsubscribed"}]})

    marketing: Wish | None = Field(None, description="The wish to be sent marketing.")
    newsletter: Wish | None = Field(None, description="The wish to be sent newsletters.")


class AddressSuppressionView(View):
    """Why the address is not mailed at all."""

    reason: str = Field(description="`bounced`, `complained`, `soft_bounced` or `manual`.")
    origin: str = Field(description="`ses` or `api`.")
    campaign_id: UUID | None = Field(description="The campaign whose mail told; null for any other cause.")
    created_at: Instant


class PreferencesView(View):
    """What a user is sent, and how that came about."""

    model_config = exemplify(marketing="unsubscribed", newsletter="subscribed")

    marketing: Preference
    newsletter: Preference
    suppression: AddressSuppressionView | None = Field(
        description="Set while the address is not mailed at all, whatever is wished."
    )
    history: Page[PreferenceChangeView] = Field(
        description="Every change at this address, newest first: when, how (`one-click`, `page`, `api`, "
        "`sync`, `complaint`) and from which campaign."
    )


async def read_preferences(
    session: AsyncSession, *, school_id: UUID, external_id: str, limit: int, cursor: str | None = None
) -> PreferencesView:
    """Return a user's preferences with a page of their history; NotFound when there is no such user."""
    user = await _get_user(session, school_id, external_id)
    left = await read_left(session, school_id=school_id, address_key=user.address_key)
    suppression = await session.get(Suppression, (school_id, user.address_key))
    return PreferencesView(
        **{kind: "unsubscribed" if kind in left else getattr(user, kind) for kind in SUBSCRIBABLE},
        suppression=AddressSuppressionView.model_validate(suppression) if suppression else None,
        history=await _read_history(session, user, limit=limit, cursor=cursor),
    )


async def change_preferences(
    session: AsyncSession, *, school_id: UUID, external_id: str, patch: PreferencesPatch
) -> PreferencesView:
    """Record an administrator's word for the user's address and return what is so now.

    Raises InvalidInput where nothing is wished, NotFound when there is no such user. As one made by the
    recipient, an unsubscription stands against what the platform pushes.
    """
    wishes = _read_wishes(patch)
    # No sync may land between: it would not know of this change, nor this of the user's new address.
    await get_school(session, school_id=school_id, for_update=True)
    user = await _get_user(session, school_id, external_id)
    at = now()
    for kind, preference in wishes.items():
        change = ConsentChange(
            school_id=school_id,
            address_key=user.address_key,
            message_type=kind,
            unsubscribed=preference == "unsubscribed",
            source="api",
            campaign_id=None,
            at=at,
        )
        await change_consent(session, change)
    record(
        session, "change.preferences", school_id=school_id, kind="user", object_id=external_id, details=wishes
    )
    await session.refresh(user)
    return await read_preferences(session, school_id=school_id, external_id=external_id, limit=PAGE)


def _read_wishes(patch: PreferencesPatch) -> dict[str, str]:
    wishes = patch.model_dump(exclude_unset=True)
    if not wishes:
        raise InvalidInput(errors=[Fault("", f"must name at least one of {', '.join(SUBSCRIBABLE)}")])
    empty = [kind for kind, preference in wishes.items() if preference is None]
    if empty:
        raise InvalidInput(errors=[Fault(f"/{kind}", "must not be null") for kind in empty])
    return wishes


async def _get_user(session: AsyncSession, school_id: UUID, external_id: str) -> User:
    user = await get_record(session, school_id=school_id, model=User, external_id=external_id)
    assert isinstance(user, User)
    return user


async def _read_history(
    session: AsyncSession, user: User, *, limit: int, cursor: str | None
) -> Page[PreferenceChangeView]:
    place = (PreferenceChange.changed_at, PreferenceChange.id)
    query = select(PreferenceChange).where(
        PreferenceChange.school_id == user.school_id, PreferenceChange.address_key == user.address_key
    )
    if cursor:
        query = query.where(tuple_(*place) < decode_cursor(cursor, datetime.fromisoformat, UUID))
    query = query.order_by(*(column.desc() for column in place)).limit(limit + 1)
    return make_page(
        (await session.scalars(query)).all(),
        limit=limit,
        view=PreferenceChangeView.model_validate,
        key=lambda change: (change.changed_at, str(change.id)),
    )
