"""Messages as the API takes them, campaigns as it answers them."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, WithJsonSchema
from typing_extensions import TypeAliasType

from app.audience.audience import Audience
from app.audience.resolve import MessageType
from app.audience.schemas import EXCLUDED
from app.campaigns.lifecycle import Status
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


class Stats(View):
    """What the facts add up to.

    `recipients` = `queued` + `sending` + `unknown` + `sent` + those that failed before acceptance;
    `sent` = `delivered` + `bounced` + `pending` + those that failed after it. Rates are fractions rounded to
    four places, null over zero.
    """

    model_config = exemplify(
        recipients=120,
        excluded=EXCLUDED,
        queued=0,
        sending=0,
        sent=119,
        sent_rate=0.9917,
        delivered=115,
        bounced=2,
        bounced_permanent=1,
        bounced_soft=1,
        complained=1,
        failed=1,
        unknown=0,
        pending=2,
        opened=80,
        opened_by_click=4,
        open_rate=0.6957,
        clicked=31,
        click_rate=0.2696,
        opens=112,
        clicks=40,
        machine_opened=22,
        machine_clicked=3,
        unsubscribed=1,
    )

    recipients: int = Field(0, description="People the campaign is for.")
    excluded: Mapping[str, int] = Field(description="People left out: how many for each reason.")
    queued: int = Field(0, description="Not yet handed to SES.")
    sending: int = Field(0, description="In a call to SES right now.")
    sent: int = Field(0, description="Mails that SES took.")
    sent_rate: float | None = Field(None, description="`sent` of `recipients`.")
    delivered: int = Field(0, description="Taken by the recipient's mail server.")
    bounced: int = Field(0, description="Permanent and soft bounces.")
    bounced_permanent: int = 0
    bounced_soft: int = 0
    complained: int = Field(0, description="Marked as spam; they count as delivered too.")
    failed: int = Field(0, description="Refused by SES.")
    unknown: int = Field(0, description="Handed over, and neither proved nor disproved yet.")
    pending: int = Field(0, description="Taken by SES, and nothing heard since.")
    opened: int = Field(0, description="People who opened the mail, or followed a link.")
    opened_by_click: int = Field(0, description="Those of them who loaded no image.")
    open_rate: float | None = Field(None, description="`opened` of `delivered`.")
    clicked: int = Field(0, description="People who followed a link.")
    click_rate: float | None = Field(None, description="`clicked` of `delivered`.")
    opens: int = Field(0, description="How often people loaded the images.")
    clicks: int = Field(0, description="How often people followed a link.")
    machine_opened: int = Field(0, description="Recipients whose images a machine loaded.")
    machine_clicked: int = Field(0, description="Recipients whose links a machine followed.")
    unsubscribed: int = Field(0, description="People who unsubscribed from this campaign.")


SILENT: dict[str, JsonValue] = {
    name: None if name.endswith("_rate") else 0
    for name in Stats.model_fields
    if name not in {"recipients", "excluded"}
}
"""The figures of the example before anything is sent."""
PREPARING: dict[str, JsonValue] = {
    "status": "preparing",
    "completed_at": None,
    "stats": {**SILENT, "recipients": 0, "excluded": dict.fromkeys(EXCLUDED, 0)},
}
"""The campaign of the examples when its message has just been accepted."""


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


def _is_key(value: str) -> str:
    if not value.isprintable() or not value.isascii():
        raise ValueError("must be printable ASCII")
    return value


IdempotencyHeader = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_is_key)]
