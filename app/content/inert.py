"""A message as somebody would see it, made to be looked at: nothing in it counts, nobody can be unsubscribed.

Pixel, click route and unsubscribe page all need a recipient's token. A real one would count what a reader of
the preview does as the recipient's own doing, and a false one would lead to a page that says "not found". So
there is none: links lead straight to where a click would be redirected, and the pixel is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from html import escape

from app.content.compiled import CompiledMessage, Rendered, destination_for, render
from app.content.merge import read_source
from app.content.person import CLICK_TOKEN, OPEN_TOKEN, Person, RecipientUrls
from app.content.places import Place
from app.content.template import Slot, TemplateWriter, split_source

INERT_PATH = "/u/preview"
"""Where unsubscribe and preference links lead in place of a recipient's own page; too short for a token."""


def make_nobody(school_name: str) -> Person:
    """Return a person of whom nothing is known: every field shows its fallback."""
    return Person("", "", "", school_name, {})


def render_inert(compiled: CompiledMessage, person: Person, public_url: str) -> Rendered:
    """Fill the templates for one person as `render` does, with every link and page that counts made inert."""
    disarmed = replace(compiled, html=_disarm(compiled, person))
    return render(disarmed, person, _make_urls(public_url))


def render_line(text: str, person: Person, public_url: str) -> str:
    """Fill the merge fields of one line of plain text, such as a preheader; it must be one that compiles."""
    source, _ = read_source(text, "", is_html=False)
    writer = TemplateWriter()
    line = writer.write(split_source(source, lambda _: Place.TEXT))
    alone = CompiledMessage(subject=line, html="", text="", links=(), variables=writer.variables)
    return render(alone, person, _make_urls(public_url)).subject


def _make_urls(public_url: str) -> RecipientUrls:
    page = f"{public_url}{INERT_PATH}"
    return RecipientUrls(open_url_token="", click_token="", unsubscribe_url=page, preferences_url=page)


def _disarm(compiled: CompiledMessage, person: Person) -> str:
    """Return the HTML template with destinations in place of tracked URLs (see `frame.py`), and no pixel.

    No destination can bring template code in: braces are percent-encoded in it.
    """
    variables = _name_tokens(compiled)
    html = compiled.html
    if click := variables.get(CLICK_TOKEN):
        urls = {str(link.number): escape(destination_for(link, person)) for link in compiled.links}
        html = _find_click_urls(click).sub(lambda found: urls[found[1]], html)
    if opened := variables.get(OPEN_TOKEN):
        html = re.sub(rf'<img src="[^"]*/o/\{{\{{{opened}\}}\}}\.gif"[^>]*>', "", html)
    return html


def _name_tokens(compiled: CompiledMessage) -> Mapping[str, str]:
    """Return the names of the variables for tokens: no author can write those fields, so each is our own."""
    return {
        each.slot.field.name: each.name
        for each in compiled.variables
        if isinstance(each.slot, Slot) and each.slot.field.name in {CLICK_TOKEN, OPEN_TOKEN}
    }


def _find_click_urls(variable: str) -> re.Pattern[str]:
    # Whatever the public URL was when the message was compiled. A new `http://` begins another try, so that
    # no text is read twice however many an author writes.
    base = r"https?://(?:(?!https?://)[^\s\"'<>{])*"
    return re.compile(rf"{base}/c/\{{\{{{variable}\}}\}}/(\d+)", re.IGNORECASE)
