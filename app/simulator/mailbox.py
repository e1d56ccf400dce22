"""The mail SES accepted: compact records that share their template and render on demand."""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from app.simulator.settings import Keep
from app.simulator.template import RenderingFailed, Template, parse_data

Pairs = tuple[tuple[str, str], ...]
"""Names and values in order: tags, headers."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every email of one call shares. `html` or `text` is None where the content has no such part."""

    sender: str
    reply_to: tuple[str, ...]
    subject: Template
    html: Template | None
    text: Template | None
    default_data: str
    configuration_set: str | None
    tenant: str | None


class Mail(NamedTuple):
    """One accepted email to one address; `data` is its template data as JSON text, not yet read."""

    message_id: str
    address: str
    destination: tuple[str, ...]
    envelope: Envelope
    data: str
    headers: Pairs
    tags: Pairs
    accepted_at: float

    def find_header(self, name: str) -> str | None:
        """Return the value of a header, its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """One email as the recipient sees it."""

    message_id: str
    sender: str
    address: str
    reply_to: tuple[str, ...]
    subject: str
    html: str | None
    text: str | None
    headers: dict[str, str]
    tags: dict[str, str]
    configuration_set: str | None
    tenant: str | None


def merge_data(mail: Mail) -> dict[str, Any]:
    """Return the template data of one email, its own over the call's default; raises ValueError."""
    return parse_data(mail.envelope.default_data) | parse_data(mail.data)


def render_html(mail: Mail) -> str:
    """Return the HTML part, empty where there is none; raises RenderingFailed."""
    html = mail.envelope.html
    return html.render(merge_data(mail)) if html else ""


def render_subject(mail: Mail) -> str:
    """Return the subject; raises RenderingFailed."""
    return mail.envelope.subject.render(merge_data(mail))


def render_mail(mail: Mail) -> RenderedMail:
    """Render every part; raises RenderingFailed."""
    envelope, data = mail.envelope, merge_data(mail)
    return RenderedMail(
        message_id=mail.message_id,
        sender=envelope.sender,
        address=mail.address,
        reply_to=envelope.reply_to,
        subject=envelope.subject.render(data),
        html=envelope.html.render(data) if envelope.html else None,
        text=envelope.text.render(data) if envelope.text else None,
        headers=dict(mail.headers),
        tags=dict(mail.tags),
        configuration_set=envelope.configuration_set,
        tenant=envelope.tenant,
    )


def find_rendering_fault(mail: Mail) -> str | None:
    """Return why an email cannot be rendered, or None when it can."""
    try:
        render_mail(mail)
    except (RenderingFailed, ValueError) as failure:
        return str(failure)
    return None


def make_message_ids(count: int, now: float) -> Iterator[str]:
    """Yield unique ids as SES forms them: region and time, a UUID, a counter; `now` is epoch seconds."""
    prefix = f"0100{int(now * 1000):012x}"
    digits = os.urandom(16 * count).hex()
    for start in range(0, 32 * count, 32):
        d = digits[start : start + 32]
        yield f"{prefix}-{d[:8]}-{d[8:12]}-4{d[13:16]}-a{d[17:20]}-{d[20:]}-000000"


class Mailbox:
    """The newest accepted emails, at most `limit` of them; only `keep="all"` keeps what they said."""

    def __init__(self, keep: Keep, limit: int) -> None:
        """Keep everything, addresses alone, or nothing."""
        self._keep = keep
        self._mails: deque[Mail] = deque(maxlen=limit)
        self._addresses: deque[tuple[str, str]] = deque(maxlen=limit)

    def store(self, mails: list[Mail]) -> None:
        """Add accepted emails, letting the oldest go where the limit is reached."""
        if self._keep == "all":
            self._mails.extend(mails)
        elif self._keep == "addresses":
            self._addresses.extend((mail.message_id, mail.address) for mail in mails)

    def find(self, address: str | None, limit: int) -> list[Mail]:
        """Return the newest emails, of one address where it is given (in any case)."""
        wanted = address.lower() if address else None
        matching = (mail for mail in reversed(self._mails) if wanted in {None, mail.address.lower()})
        return list(islice(matching, limit))

    def list_addresses(self, limit: int) -> list[Mapping[str, str]]:
        """Return message id and address of the newest emails, where only those are kept."""
        newest = islice(reversed(self._addresses), limit)
        return [{"message_id": message_id, "address": address} for message_id, address in newest]

    def clear(self) -> None:
        """Forget every email."""
        self._mails.clear()
        self._addresses.clear()
