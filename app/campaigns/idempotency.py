"""`Idempotency-Key`: the same key and body is the same campaign, the same key and another body a conflict."""

import hashlib
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import IdempotencyKey
from app.core.errors import Conflict


async def claim_key(
    session: AsyncSession, *, school_id: UUID, key: str, body: BaseModel
) -> dict[str, Any] | None:
    """Claim the key in this transaction, or return what was answered to whoever had it before.

    Of several at once the first to insert goes on; the others wait for its commit at the primary key.
    """
    digest = hashlib.sha256(body.model_dump_json(exclude_unset=True).encode()).digest()
    claimed = await session.scalar(
        insert(IdempotencyKey)
        .values(school_id=school_id, key=key, body_hash=digest)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    )
    if claimed is not None:
        return None
    used = await session.scalar(
        select(IdempotencyKey).where(IdempotencyKey.school_id == school_id, IdempotencyKey.key == key)
    )
    if used is None or used.body_hash != digest:
        raise Conflict("This Idempotency-Key was used for another message.")
    return used.answer


async def keep_answer(session: AsyncSession, *, school_id: UUID, key: str, answer: dict[str, Any]) -> None:
    """Keep what is answered, for those who come with the same key later."""
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.school_id == school_id, IdempotencyKey.key == key)
        .values(answer=answer)
        .execution_options(synchronize_session=False)
    )
