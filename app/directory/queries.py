"""Reading and removing single records of the directory."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Conflict, NotFound
from app.directory.models import Record


async def list_records(
    session: AsyncSession, *, school_id: UUID, model: type[Record], after: str | None, limit: int
) -> Sequence[Record]:
    """Return up to `limit` records in the order of their external ids."""
    query = select(model).where(model.school_id == school_id).order_by(model.external_id).limit(limit)
    if after is not None:
        query = query.where(model.external_id > after)
    return (await session.scalars(query)).all()


async def get_record(
    session: AsyncSession, *, school_id: UUID, model: type[Record], external_id: str
) -> Record:
    """Return one record, or raise NotFound."""
    record = await session.scalar(
        select(model).where(model.school_id == school_id, model.external_id == external_id)
    )
    if record is None:
        raise NotFound("There is no such record.")
    return record


async def delete_record(
    session: AsyncSession, *, school_id: UUID, model: type[Record], external_id: str
) -> None:
    """Remove one record; NotFound when there is none."""
    try:
        removed = await session.scalar(
            delete(model)
            .where(model.school_id == school_id, model.external_id == external_id)
            .returning(model.external_id)
        )
    except IntegrityError:
        raise Conflict("Other records still refer to this one; change or remove them first.") from None
    if removed is None:
        raise NotFound("There is no such record.")
