"""A draft seen with somebody's eyes: refused for what sending would refuse, and rendered inert."""

from dataclasses import dataclass, fields
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.sending import check_schedule, compile_draft
from app.content.compile import Draft
from app.content.compiled import CompiledMessage, Link, Rendered, destination_for, render
from app.content.inert import render_inert, render_line
from app.content.merge import read_source
from app.content.person import Person, RecipientUrls
from app.content.review import find_warnings
from app.content.rewrite import find_destinations, read_document
from app.core.clock import now
from app.core.signing import TOKEN_LENGTH
from app.directory.models import User
from app.drafts.people import find_user, make_person
from app.drafts.schemas import MessageDraft, MessagePreview, ShownLink, ShownUser, Sizes, WarningView
from app.schools.models import School
from app.schools.service import get_school


@dataclass(frozen=True, slots=True)
class Showing:
    """A draft that could be sent, and the one it is shown to."""

    school: School
    compiled: CompiledMessage
    user: User | None
    person: Person
    rendered: Rendered


async def show_draft(
    session: AsyncSession, *, school_id: UUID, draft: MessageDraft, public_url: str
) -> Showing:
    """Compile the draft and fill it for its user; raise InvalidInput for all that sending would refuse."""
    school = await get_school(session, school_id=school_id)
    check_schedule(draft.send_at, now())
    compiled = compile_draft(draft, school, public_url)
    user = await find_user(session, school=school, draft=draft)
    person = make_person(user, school)
    return Showing(school, compiled, user, person, render_inert(compiled, person, public_url))


async def preview_message(
    session: AsyncSession, *, school_id: UUID, draft: MessageDraft, public_url: str
) -> MessagePreview:
    """Return the draft as one user would get it, with what its author may want to know."""
    showing = await show_draft(session, school_id=school_id, draft=draft, public_url=public_url)
    school, person, user = showing.school, showing.person, showing.user
    preheader = render_line(draft.preheader or "", person, public_url)
    return MessagePreview(
        user=ShownUser(external_id=user.external_id, name=person.full_name) if user else None,
        from_name=draft.from_name or school.from_name,
        from_email=school.from_email,
        reply_to=draft.reply_to or school.reply_to,
        subject=showing.rendered.subject,
        preheader=preheader if preheader.strip() else None,
        html=showing.rendered.html,
        text=showing.rendered.text,
        links=_show_links(draft.html, person),
        warnings=[WarningView.model_validate(each) for each in find_warnings(_read(draft), showing.compiled)],
        sizes=_measure(showing.compiled, person, public_url),
    )


def _read(draft: MessageDraft) -> Draft:
    return Draft(*(getattr(draft, each.name) for each in fields(Draft)))


def _show_links(html: str, person: Person) -> list[ShownLink]:
    """Find the links whether or not clicks are tracked; tracked ones have the same numbers in reports."""
    source, _ = read_source(html, "/html", is_html=True)
    found = enumerate(find_destinations(read_document(source)), start=1)
    links = (Link(number, destination.parts) for number, destination in found)
    return [
        ShownLink(number=link.number, url=link.destination, leads_to=destination_for(link, person))
        for link in links
    ]


def _measure(compiled: CompiledMessage, person: Person, public_url: str) -> Sizes:
    """Measure what is really sent, which carries tokens and a pixel: every token is of the same length."""
    token = "x" * TOKEN_LENGTH
    page = f"{public_url}/u/{token}"
    sent = render(compiled, person, RecipientUrls(token, token, page, f"{page}/preferences"))
    return Sizes(html=len(sent.html.encode()), text=len(sent.text.encode()))
