"""Messages not yet sent: as an author asks to see them, and what is answered."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from app.audience.audience import Audience
from app.campaigns.schemas import MessageContent
from app.core.schema import Reference, View
from app.directory.addresses import read_address
from app.directory.schemas import Email

MOST_ADDRESSES = 10

_EXAMPLE: dict[str, Any] = {
    "message_type": "newsletter",
    "subject": 'Hello {{ first_name | "there" }}',
    "html": '<p>Dear {{ first_name }}, <a href="https://riverside.example/choir">the dates are out</a>.</p>',
    "preheader": "Spring dates",
}


def _is_sendable(value: str) -> str:
    if read_address(value).wire is None:
        raise ValueError("has a local part beyond ASCII, which Amazon SES cannot send to")
    return value


SendableAddress = Annotated[Email, AfterValidator(_is_sendable)]


class MessageDraft(MessageContent):
    """A message as it would be sent, and whose eyes to see it with.

    Somebody of the `audience` unless a `user` is named; without either, a person of whom nothing is known, so
    that every fallback shows. `expected_recipients` and `name` are taken and not looked at.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"user": "u-1"}]})

    audience: Audience | None = None
    user: Reference | None = Field(None, description="The external id of the user to show it as.")


class MessageTest(MessageDraft):
    """A draft, and the addresses to send it to now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE | {"to": ["marta@riverside.example"]}]}
    )

    to: Annotated[list[SendableAddress], Field(min_length=1, max_length=MOST_ADDRESSES)]


class ShownUser(View):
    """The user whose eyes a preview shows a message with."""

    external_id: str
    name: str


class ShownLink(View):
    """An http(s) link of the HTML; `url` is as written, `leads_to` where it takes the user shown."""

    number: int
    url: str
    leads_to: str


class WarningView(View):
    """Something an author may want to change: a stable code, and a sentence."""

    code: str
    detail: str


class Sizes(View):
    """Bytes of the parts as this user would get them, tracking included."""

    html: int
    text: int


class MessagePreview(View):
    """A message as one user would get it, in a form that counts nothing and unsubscribes nobody."""

    user: ShownUser | None = Field(description="Null when nobody is shown: fallbacks alone.")
    from_name: str
    from_email: str
    reply_to: str | None
    subject: str
    preheader: str | None
    html: str
    text: str
    links: Sequence[ShownLink]
    warnings: Sequence[WarningView]
    sizes: Sizes


class TestResult(View):
    """What became of the test message to one address; `detail` says why it was not sent."""

    address: str
    sent: bool
    message_id: str | None
    detail: str | None


class TestReport(View):
    """What became of a test message, for each address once."""

    results: Sequence[TestResult]


class MergeFieldView(View):
    """A field an author can use."""

    name: str
    syntax: str
    description: str


class MergeFields(View):
    """Every field there is, and for `attributes.KEY` the keys that users have."""

    fields: Sequence[MergeFieldView]
    attributes: Sequence[str] = Field(
        description="Keys found on a sample of users, those of most users first; at most 200."
    )
