"""What can be done with mailing lists, and what an audience that names one means."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.audience import Audience, FilteredAudience
from app.audience.lists.schemas import MailingListBody
from app.audience.models import MailingList
from app.audience.references import check_references
from app.core.clock import now
from app.core.errors import Conflict, Fault, InvalidInput, NotFound
from app.core.ids import new_id


async def create_list(session: AsyncSession, *, school_id: UUID, wanted: MailingListBody) -> MailingList:
    """Save an audience under a name; Conflict when another list has it."""
    saved = MailingList(school_id=school_id, id=new_id(), created_at=now())
    return await _write(session, saved, wanted)


async def replace_list(
    session: AsyncSession, *, school_id: UUID, list_id: UUID, wanted: MailingListBody
) -> MailingList:
    """Give a list another name and audience; campaigns that were resolved before keep their people."""
    return await _write(session, await get_list(session, school_id=school_id, list_id=list_id), wanted)


async def get_list(session: AsyncSession, *, school_id: UUID, list_id: UUID) -> MailingList:
    """Return the list, or raise NotFound."""
    saved = await session.get(MailingList, (school_id, list_id))
    if saved is None:
        raise NotFound("There is no such mailing list.")
    return saved


async def list_lists(
    session: AsyncSession, *, school_id: UUID, after: str | None, limit: int
) -> Sequence[MailingList]:
    """Return lists in the order of their names."""
    query = select(MailingList).where(MailingList.school_id == school_id)
    if after is not None:
        query = query.where(MailingList.name > after)
    return (await session.scalars(query.order_by(MailingList.name).limit(limit))).all()


async def delete_list(session: AsyncSession, *, school_id: UUID, list_id: UUID) -> None:
    """Remove a list, or raise NotFound; a campaign scheduled to it will fail, and say so."""
    await session.delete(await get_list(session, school_id=school_id, list_id=list_id))
    await session.flush()


async def resolve_audience(session: AsyncSession, *, school_id: UUID, audience: Audience) -> FilteredAudience:
    """Return the filter meant, a mailing list's as it is now; InvalidInput when there is no such list."""
    if audience.filter is not None:
        return FilteredAudience(filter=audience.filter, narrow=audience.narrow)
    saved = await session.get(MailingList, (school_id, audience.mailing_list_id))
    if saved is None:
        raise InvalidInput(errors=[Fault("/audience/mailing_list_id", "there is no such mailing list")])
    return FilteredAudience.model_validate(saved.audience)


async def _write(session: AsyncSession, saved: MailingList, wanted: MailingListBody) -> MailingList:
    await check_references(session, school_id=saved.school_id, audience=wanted.audience)
    saved.name = wanted.name
    saved.audience = wanted.audience.model_dump(mode="json", exclude_unset=True)
    saved.updated_at = now()
    session.add(saved)
    try:
        await session.flush()
    except IntegrityError:
        raise Conflict("Another mailing list has this name.") from None
    return saved
