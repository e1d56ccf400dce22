"""Reading imports and their rejections."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import NotFound
from app.directory.imports.models import Import, ImportRejection


async def get_import(session: AsyncSession, *, school_id: UUID, import_id: UUID) -> Import:
    """Return an import, or raise NotFound."""
    row = await session.scalar(select(Import).where(Import.school_id == school_id, Import.id == import_id))
    if row is None:
        raise NotFound("There is no such import.")
    return row


async def list_imports(
    session: AsyncSession, *, school_id: UUID, before: UUID | None, limit: int
) -> Sequence[Import]:
    """Return up to `limit` imports, newest first: their ids are in the order of time."""
    query = select(Import).where(Import.school_id == school_id).order_by(Import.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Import.id < before)
    return (await session.scalars(query)).all()


async def list_rejections(
    session: AsyncSession, *, school_id: UUID, import_id: UUID, after: tuple[int, int], limit: int
) -> Sequence[ImportRejection]:
    """Return up to `limit` rejections in the order of the file; NotFound when there is no such import."""
    await get_import(session, school_id=school_id, import_id=import_id)
    place = (ImportRejection.line, ImportRejection.ordinal)
    query = (
        select(ImportRejection)
        .where(
            ImportRejection.school_id == school_id,
            ImportRejection.import_id == import_id,
            tuple_(*place) > after,
        )
        .order_by(*place)
        .limit(limit)
    )
    return (await session.scalars(query)).all()
