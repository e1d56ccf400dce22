"""Messages as the API takes them, campaigns as it answers them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from app.audience.audience import Audience
from app.audience.resolve import MessageType
from app.core.schema import Body, Instant, Name, Text, View, exemplify
from app.schools.schemas import SenderAddress, SenderName

MAX_HTML = 400 * 1024


class Sender(Body):
    """The administrator on whose behalf a message is sent."""

    id: Annotated[Text, StringConstraints(min_length=1, max_length=255)]
    name: SenderName


class MessageContent(Body):
    """What a message says, and how it is to be sent: everything but to whom."""

    name: Name | None = None
    message_type: MessageType
    subject: Text
    html: Annotated[Text, Field(max_length=MAX_HTML)]
    text: Annotated[Text, Field(max_length=MAX_HTML)] | None = None
    preheader: Annotated[Text, Field(max_length=500)] | None = None
    from_name: SenderName | None = None
    reply_to: SenderAddress | None = None
    send_at: Instant | None = None
    sent_by: Sender | None = None
    track_opens: bool = True
    track_clicks: bool = True
    expected_recipients: Annotated[int, Field(ge=0)] | None = None


class MessageCreate(MessageContent):
    """A message to send. Sending is the campaign: it is recorded the moment this is accepted."""

    model_config = exemplify(
        name="Choir, spring term",
        message_type="newsletter",
        subject="Choir begins again",
        html="<p>Dear {{ first_name }}, we meet on Monday.</p>",
        audience={"filter": {"kind": "group", "group": "choir"}},
    )

    audience: Audience


class CampaignPatch(Body):
    """A campaign can be renamed; what was sent stays as it was sent."""

    model_config = exemplify(name="Choir, spring term")

    name: Name | None


class RetryRequest(Body):
    """Whom to send to again, beside those who failed."""

    model_config = exemplify(include_unknown=False)

    include_unknown: bool = Field(
        default=False,
        description="Also those of whom nobody knows whether SES took their mail: they may get it twice.",
    )


class SenderView(View):
    """Who sent it."""

    id: str
    name: str


class Stats(View):
    """What the facts add up to.

    `recipients` = `queued` + `sending` + `unknown` + `sent` + those that failed before acceptance;
    `sent` = `delivered` + `bounced` + `pending` + those that failed after it. Rates are fractions rounded to
    four places, null over zero.
    """

    recipients: int = 0
    excluded: Mapping[str, int]
    queued: int = 0
    sending: int = 0
    sent: int = 0
    sent_rate: float | None = None
    delivered: int = 0
    bounced: int = 0
    bounced_permanent: int = 0
    bounced_soft: int = 0
    complained: int = 0
    failed: int = 0
    unknown: int = 0
    pending: int = 0
    opened: int = 0
    opened_by_click: int = 0
    open_rate: float | None = None
    clicked: int = 0
    click_rate: float | None = None
    opens: int = 0
    clicks: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0
    unsubscribed: int = 0


class CampaignView(View):
    """A campaign as a row of the list."""

    id: UUID
    name: str | None
    display_name: str
    message_type: MessageType
    status: str
    status_reason: str | None
    subject: str
    sent_at: Instant | None
    timezone: str = Field(description="The school's, for showing the instants.")
    sent_by: SenderView
    scheduled_for: Instant | None
    completed_at: Instant | None
    stats: Stats


class LinkView(View):
    """A tracked destination."""

    number: int
    url: str


class ContentView(View):
    """The message as its author wrote it."""

    subject: str
    preheader: str | None
    html: str
    text: str | None
    from_name: str
    from_email: str
    reply_to: str | None
    track_opens: bool
    track_clicks: bool


class CampaignDetail(CampaignView):
    """A campaign with whom it went to, what it said, and where its links lead."""

    audience: dict[str, Any]
    links: list[LinkView]
    content: ContentView


def _is_key(value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise ValueError("must be printable ASCII")
    return value


IdempotencyHeader = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_is_key)]
