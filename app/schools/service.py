"""What can be done with a school."""

import secrets
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.errors import Fault, InvalidInput, NotFound
from app.core.ids import new_id
from app.schools.audit.record import record
from app.schools.models import School
from app.schools.schemas import NULLABLE, SchoolCreate, SchoolPatch


async def create_school(session: AsyncSession, *, wanted: SchoolCreate) -> School:
    """Create a tenant."""
    school = School(id=new_id(), address_secret=secrets.token_bytes(32), **wanted.model_dump())
    session.add(school)
    await session.flush()
    record(session, "create.school", school_id=school.id, kind="school", object_id=school.id)
    return school


async def get_school(session: AsyncSession, *, school_id: UUID, for_update: bool = False) -> School:
    """Return the school, or raise NotFound; `for_update` makes others who ask so wait for this commit."""
    query = select(School).where(School.id == school_id)
    # Not FOR UPDATE itself: whoever adds a row that refers to the school must not wait.
    school = await session.scalar(query.with_for_update(key_share=True) if for_update else query)
    if school is None:
        raise NotFound("There is no such school.")
    return school


async def change_school(session: AsyncSession, *, school_id: UUID, patch: SchoolPatch) -> School:
    """Change the settings that the patch names; null clears those that may be empty."""
    school = await get_school(session, school_id=school_id)
    changes = patch.model_dump(exclude_unset=True)
    faults = [
        Fault(f"/{name}", "must not be null")
        for name, value in changes.items()
        if value is None and name not in NULLABLE
    ]
    if faults:
        raise InvalidInput(errors=faults)
    for name, value in changes.items():
        setattr(school, name, value)
    school.updated_at = now()
    details = {"settings": sorted(changes)}
    record(session, "change.school", school_id=school_id, kind="school", object_id=school_id, details=details)
    await session.flush()
    return school
