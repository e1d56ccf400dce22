"""What the holder of a credential may do about API keys."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Forbidden
from app.schools.api_keys.schemas import ApiKeyCreate, ApiKeyCreated, read_fields
from app.schools.caller import Caller
from app.schools.keys import create_key
from app.schools.scopes import Scope


async def make_key(session: AsyncSession, *, caller: Caller, wanted: ApiKeyCreate) -> ApiKeyCreated:
    """Make a key that may do no more than its maker; Forbidden names the scopes that the maker lacks."""
    scopes = [scope for scope in Scope if scope in (wanted.scopes or caller.scopes)]
    lacking = [scope for scope in scopes if scope not in caller.scopes]
    if lacking:
        raise Forbidden(f"A key cannot have what its maker lacks: {', '.join(lacking)}.")
    row, key = await create_key(
        session,
        school_id=caller.school_id,
        name=wanted.name,
        scopes=scopes,
        expires_at=wanted.expires_at,
    )
    return ApiKeyCreated.model_validate(read_fields(row) | {"key": key})
