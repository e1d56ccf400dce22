"""An audience as somebody asks for it becomes a question that can be answered, or is refused."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.audience import Audience
from app.audience.lists.service import resolve_audience
from app.audience.references import check_references
from app.audience.resolve import MessageType, Question
from app.schools.models import School


async def ask(
    session: AsyncSession, *, school: School, audience: Audience, message_type: MessageType
) -> Question:
    """Look a mailing list up; of what is asked directly, check that every record it names is there.

    A list that names what has gone since is still what its owner saved: it reaches those who are left.
    """
    meant = await resolve_audience(session, school_id=school.id, audience=audience)
    if audience.filter is not None:
        await check_references(session, school_id=school.id, audience=meant)
    return Question(meant, message_type, school.require_opt_in)
