"""Messages as the API takes them, campaigns as it answers them."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, WithJsonSchema
from typing_extensions import TypeAliasType

from app.audience.audience import Audience
from app.audience.resolve import MessageType
from app.audience.schemas import EXCLUDED
from app.campaigns.lifecycle import Status
from app.campaigns.stats import SILENT, Stats
from app.core.examples import CAMPAIGN_ID
from app.core.schema import Body, Flag, Instant, Name, NoText, Text, View, exemplify
from app.schools.schemas import SenderAddress, SenderName

CampaignStatus = TypeAliasType(
    "CampaignStatus", Annotated[Status, WithJsonSchema({"type": "string", "enum": list(Status)})]
)
"""`Status` alone would say nothing in a generated client."""
MAX_HTML = 400 * 1024
HTML = '<p>Dear {{ first_name }}, <a href="https://riverside.example/choir">choir</a> begins on Monday.</p>'
"""What the campaign of the examples says."""

CampaignId = Annotated[UUID, Field(description="The `id` of the campaign.")]


class Sender(Body):
    """The administrator on whose behalf a message is sent."""

    id: Annotated[Text, StringConstraints(min_length=1, max_length=255)] = Field(
        description="The platform's own id of the administrator."
    )
    name: SenderName


class MessageContent(Body):
    """What a message says, and how it is to be sent: everything but to whom."""

    name: Name | None = Field(None, description="What the school calls it; recipients do not see it.")
    message_type: MessageType = Field(description="`operational` mail ignores preferences.")
    subject: Text = Field(description="1 to 250 characters of one line; merge fields are filled in.")
    html: Annotated[Text, Field(max_length=MAX_HTML)] = Field(description="Merge fields are filled in.")
    text: Annotated[Text, Field(max_length=MAX_HTML)] | None = Field(
        None, description="The plain part; made from the HTML, if left out."
    )
    preheader: Annotated[Text, Field(max_length=500)] | None = Field(
        None, description="What mailboxes show beside the subject."
    )
    from_name: SenderName | None = Field(None, description="The school's, if left out.")
    reply_to: SenderAddress | None = Field(None, description="The school's, if left out.")
    send_at: Instant | None = Field(None, description="At once, if left out; at most a year ahead.")
    sent_by: Sender | None = Field(None, description="For whom an API key acts.")
    track_opens: Flag = True
    track_clicks: Flag = True
    expected_recipients: Annotated[int, Field(ge=0), NoText] | None = Field(
        None, description="What a preview counted: 409 where it is far off by now."
    )


class MessageCreate(MessageContent):
    """A message to send. Sending is the campaign: it is recorded the moment this is accepted."""

    model_config = exemplify(
        name="Choir, spring term",
        message_type="newsletter",
        subject="Choir begins again",
        html=HTML,
        audience={"filter": {"kind": "group", "group": "choir-parents"}},
        sent_by={"id": "t-1", "name": "Marta Ruiz"},
        expected_recipients=120,
    )

    audience: Audience = Field(description="Whom it is for.")


class CampaignPatch(Body):
    """A campaign can be renamed; what was sent stays as it was sent."""

    model_config = exemplify(name="Choir, spring term")

    name: Name | None = Field(description="Null takes the name away.")


class RetryRequest(Body):
    """Whom to send to again, beside those who failed."""

    model_config = exemplify(include_unknown=False)

    include_unknown: Flag = Field(
        default=False,
        description="Also those of whom nobody knows whether SES took their mail: they may get it twice.",
    )


class SenderView(View):
    """Who sent it."""

    model_config = exemplify(id="t-1", name="Marta Ruiz")

    id: str = Field(description="The platform's id of a person, or the id of an API key.")
    name: str


class CampaignView(View):
    """A campaign as a row of the list."""

    model_config = exemplify(
        id=CAMPAIGN_ID,
        name="Choir, spring term",
        display_name="Choir, spring term",
        message_type="newsletter",
        status="sent",
        subject="Choir begins again",
        sent_at="2026-03-02T09:00:00Z",
        timezone="Europe/Madrid",
        completed_at="2026-03-02T09:00:03Z",
    )

    id: UUID
    name: str | None
    display_name: str = Field(description="The name, or `Untitled`.")
    message_type: MessageType
    status: CampaignStatus
    status_reason: str | None = Field(description="Why it is paused or failed, in plain words.")
    subject: str
    sent_at: Instant | None = Field(description="When it was dispatched; null while it is scheduled.")
    timezone: str = Field(description="The school's, for showing the instants.")
    sent_by: SenderView
    scheduled_for: Instant | None = Field(description="When it is to start; null if it was sent at once.")
    completed_at: Instant | None = Field(description="When the last mail was handed to SES.")
    stats: Stats


class LinkView(View):
    """A tracked destination."""

    model_config = exemplify(number=1, url="https://riverside.example/choir")

    number: int = Field(description="Its place in the message; the first is 1.")
    url: str = Field(description="The destination as its author wrote it.")


class ContentView(View):
    """The message as its author wrote it."""

    model_config = exemplify(
        subject="Choir begins again",
        preheader="Spring dates",
        html=HTML,
        text=None,
        from_name="Riverside Music School",
        from_email="news@riverside.example",
        reply_to="office@riverside.example",
        track_opens=True,
        track_clicks=True,
    )

    subject: str
    preheader: str | None
    html: str
    text: str | None = Field(description="Null where it is made from the HTML.")
    from_name: str
    from_email: str
    reply_to: str | None
    track_opens: bool
    track_clicks: bool


class CampaignDetail(CampaignView):
    """A campaign with whom it went to, what it said, and where its links lead."""

    audience: dict[str, Any] = Field(
        description="As it was asked for.",
        examples=[{"filter": {"kind": "group", "group": "choir-parents"}}],
    )
    links: list[LinkView]
    content: ContentView


PREPARING: dict[str, JsonValue] = {
    "status": "preparing",
    "completed_at": None,
    "stats": {**SILENT, "recipients": 0, "excluded": dict.fromkeys(EXCLUDED, 0)},
}
"""The campaign of the examples when its message has just been accepted."""


def _is_key(value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise ValueError("must be printable ASCII")
    return value


IdempotencyHeader = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_is_key)]
