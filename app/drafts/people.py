"""Whose eyes a draft is seen with, and what users have that could be merged: few rows of however many."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.asking import ask
from app.audience.resolve import Question, is_found_at_once, sample_judged, sample_quickly, tune_planner
from app.audience.scope import Scope
from app.content.inert import make_nobody
from app.content.person import Person
from app.core.clock import now
from app.core.errors import Fault, InvalidInput
from app.directory.models import User
from app.drafts.schemas import MessageDraft
from app.schools.models import School

SAMPLED = 500
MOST_KEYS = 200


async def find_user(session: AsyncSession, *, school: School, draft: MessageDraft) -> User | None:
    """Return the user to show a draft as: the one it names, else one its audience reaches, else None.

    Raise InvalidInput for a user who is not there, and for an audience that reaches nobody or names what is
    not there.
    """
    external_id = draft.user
    if draft.audience is not None:
        kind = draft.message_type
        question = await ask(session, school=school, audience=draft.audience, message_type=kind)
        external_id = external_id or await _sample_one(session, school, question)
    if external_id is None:
        return None
    user = await session.scalar(
        select(User).where(User.school_id == school.id, User.external_id == external_id)
    )
    if user is None:
        raise InvalidInput(errors=[Fault("/user", "there is no such user")])
    return user


async def _sample_one(session: AsyncSession, school: School, question: Question) -> str:
    scope = Scope(school.id, now(), school.timezone)
    await tune_planner(session, school_id=school.id)
    samplings = (sample_quickly, sample_judged) if is_found_at_once(question.audience) else (sample_judged,)
    for sampling in samplings:
        found: str | None = await session.scalar(sampling(scope, question, size=1))
        if found is not None:
            return found
    raise InvalidInput(errors=[Fault("/audience", "reaches nobody")])


def make_person(user: User | None, school: School) -> Person:
    """Return what merge fields say of a user; of None, nothing."""
    if user is None:
        return make_nobody(school.name)
    return Person(user.first_name, user.last_name, user.email, school.name, user.attributes)


async def list_attribute_keys(session: AsyncSession, *, school_id: UUID) -> Sequence[str]:
    """Return the keys of users' attributes, those of most users first.

    Looks at the first users by id and those registered last, who have what was introduced lately: two short
    walks of an index.
    """
    attributes = select(User.attributes).where(User.school_id == school_id)
    first = attributes.order_by(User.external_id).limit(SAMPLED)
    newest = (
        attributes.where(User.registered_at.is_not(None)).order_by(User.registered_at.desc()).limit(SAMPLED)
    )
    sample = union_all(first, newest).subquery()
    keys = select(func.jsonb_object_keys(sample.c.attributes).label("key")).subquery()
    most_used = select(keys.c.key).group_by(keys.c.key).order_by(func.count().desc(), keys.c.key)
    # In a school it has no statistics of yet, the planner would sort all users to find the first.
    await session.execute(text("SET LOCAL enable_sort = off"))
    return (await session.scalars(most_used.limit(MOST_KEYS))).all()
