"""What the school puts round a message: hidden preheader, footer with unsubscribe button, open pixel."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from app.content.merge import PREFERENCES_URL, UNSUBSCRIBE_URL, Field
from app.content.person import CLICK_TOKEN, OPEN_TOKEN
from app.content.places import Place
from app.content.template import Part, Slot
from app.core.colours import choose_ink

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3}")
_DEFAULT_COLOUR = "#1f2937"
_FONT = "font-family:Arial,Helvetica,sans-serif"

_PREHEADER_OPENING = (
    '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all;'
    'font-size:1px;line-height:1px;color:transparent">'
)
# Invisible characters fill the rest of the inbox's preview line, else the body's first words follow there.
_PREHEADER_CLOSING = "&#847;&zwnj;&nbsp;" * 60 + "</div>"

_FOOTER_OPENING = (
    '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
    ' style="width:100%;border-collapse:collapse"><tr><td align="center" style="padding:24px 16px;'
    f'{_FONT};font-size:13px;line-height:20px;color:#4b5563;text-align:center">'
)


@dataclass(frozen=True, slots=True)
class Frame:
    """The school's part of every message; `colour` is `#RGB` or `#RRGGBB`, `public_url` without path."""

    school_name: str
    postal_address: str
    colour: str | None
    public_url: str


def build_click_url(frame: Frame, number: int) -> tuple[Part, ...]:
    """Build the tracked URL of link `number`, for an HTML attribute with or without quotes."""
    base = escape(frame.public_url.rstrip("/"))
    return (f"{base}/c/", Slot(Field(CLICK_TOKEN), Place.HTML), f"/{number}")


def build_pixel(frame: Frame) -> tuple[Part, ...]:
    """Build the invisible image whose loading tells that the message was opened."""
    base = escape(frame.public_url.rstrip("/"))
    return (
        f'<img src="{base}/o/',
        Slot(Field(OPEN_TOKEN), Place.HTML),
        '.gif" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0;opacity:0">',
    )


def build_preheader(text: Iterable[Part]) -> tuple[Part, ...]:
    """Build the hidden line that an inbox shows after the subject; literals in `text` are plain text."""
    escaped = (escape(part) if isinstance(part, str) else part for part in text)
    return (_PREHEADER_OPENING, *escaped, _PREHEADER_CLOSING)


def build_footer(frame: Frame, *, has_button: bool) -> tuple[Part, ...]:
    """Build the HTML footer: unsubscribe button if `has_button`, school and address, preferences link."""
    address = "<br>".join(escape(line.strip()) for line in frame.postal_address.strip().splitlines())
    sender = f'<p style="margin:0 0 8px"><strong>{escape(frame.school_name)}</strong><br>{address}</p>'
    return (
        _FOOTER_OPENING,
        *(_build_button(frame) if has_button else ()),
        sender,
        '<p style="margin:0"><a href="',
        Slot(Field(PREFERENCES_URL), Place.URL),
        '" style="color:#4b5563;text-decoration:underline">Email preferences</a></p></td></tr></table>',
    )


def build_text_footer(frame: Frame, *, has_link: bool) -> tuple[Part, ...]:
    """Build the plain-text footer: who sent this from where, unsubscribe link if `has_link`, preferences."""
    address = "\n".join(line.strip() for line in frame.postal_address.strip().splitlines())
    unsubscribe = ("Unsubscribe: ", Slot(Field(UNSUBSCRIBE_URL), Place.TEXT), "\n") if has_link else ()
    return (
        f"\n\n---\n{frame.school_name}\n{address}\n\n",
        *unsubscribe,
        "Email preferences: ",
        Slot(Field(PREFERENCES_URL), Place.TEXT),
        "\n",
    )


def _build_button(frame: Frame) -> Iterator[Part]:
    colour = frame.colour if frame.colour and _COLOUR.fullmatch(frame.colour) else _DEFAULT_COLOUR
    # Outlook ignores padding on links: the cell carries colour and border, the link the room inside.
    yield (
        '<table role="presentation" align="center" cellpadding="0" cellspacing="0" border="0"'
        f' style="margin:0 auto 16px"><tr><td bgcolor="{colour}" style="background:{colour};'
        'border-radius:4px"><a href="'
    )
    yield Slot(Field(UNSUBSCRIBE_URL), Place.URL)
    yield (
        f'" style="display:inline-block;padding:10px 20px;{_FONT};font-size:14px;'
        f'color:{choose_ink(colour)};text-decoration:none">Unsubscribe</a></td></tr></table>'
    )
