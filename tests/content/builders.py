"""Drafts, people and renderings for the tests of the content room."""

from typing import Literal

from app.content.compile import Draft, compile_message
from app.content.compiled import CompiledMessage, Rendered
from app.content.frame import Frame
from app.content.person import Person, RecipientUrls, Scalar
from app.core.errors import Fault, InvalidInput
from tests.content.handlebars import substitute

FRAME = Frame("Hill School", "1 Main St\nTown & Country", "#0a7", "https://c.example")
URLS = RecipientUrls("OPEN-t0k", "CLICK_t0k", "https://c.example/u/abc", "https://c.example/p/abc")
CLICK = f"https://c.example/c/{URLS.click_token}"


def draft(
    html: str = "<p>Hello</p>",
    *,
    message_type: Literal["operational", "marketing", "newsletter"] = "operational",
    subject: str = "News",
    text: str | None = None,
    preheader: str | None = None,
    track_opens: bool = False,
    track_clicks: bool = True,
) -> Draft:
    return Draft(message_type, subject, html, text, preheader, track_opens, track_clicks)


def person(first_name: str = "Ada", last_name: str = "Byron", **attributes: Scalar) -> Person:
    return Person(first_name, last_name, "ada+1@example.com", "Hill School", attributes)


def fill(compiled: CompiledMessage, to: Person | None = None) -> Rendered:
    """Fill the templates as SES does, by the reference."""
    values = compiled.values(to or person(), URLS)
    return Rendered(
        substitute(compiled.subject, values),
        substitute(compiled.html, values),
        substitute(compiled.text, values),
    )


def html_for(html: str, to: Person | None = None) -> str:
    """Give the HTML of an operational message as one person gets it."""
    return fill(compile_message(draft(html), FRAME), to).html


def text_for(html: str, to: Person | None = None) -> str:
    """Give the text made from `html`, as one person gets it."""
    return fill(compile_message(draft(html), FRAME), to).text


def faults_of(wrong: Draft) -> tuple[Fault, ...]:
    """Give the faults for which a draft is refused; none when it is accepted."""
    try:
        compile_message(wrong, FRAME)
    except InvalidInput as refusal:
        return refusal.errors
    return ()
