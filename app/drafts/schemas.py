"""Messages not yet sent: as an author asks to see them, and what is answered."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from app.audience.audience import Audience
from app.campaigns.schemas import HTML, MessageContent
from app.core.schema import Reference, View, exemplify
from app.directory.addresses import read_address
from app.directory.fields import Email

MOST_ADDRESSES = 10

_EXAMPLE: dict[str, Any] = {
    "message_type": "newsletter",
    "subject": "Choir begins again",
    "html": HTML,
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

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"user": "u-7"}]})

    audience: Audience | None = Field(None, description="Whom it would be for.")
    user: Reference | None = Field(None, description="The external id of the user to show it as.")


class MessageTest(MessageDraft):
    """A draft, and the addresses to send it to now."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [_EXAMPLE | {"to": ["marta.ruiz@riverside.example"]}]}
    )

    to: Annotated[list[SendableAddress], Field(min_length=1, max_length=MOST_ADDRESSES)] = Field(
        description="Where it goes."
    )


class ShownUser(View):
    """The user whose eyes a preview shows a message with."""

    model_config = exemplify(external_id="u-7", name="Ines Jensen")

    external_id: str
    name: str


class ShownLink(View):
    """An http(s) link of the HTML; `url` is as written, `leads_to` where it takes the user shown."""

    model_config = exemplify(
        number=1, url="https://riverside.example/choir", leads_to="https://riverside.example/choir"
    )

    number: int = Field(description="Its place in the message; the first is 1.")
    url: str = Field(description="As its author wrote it, merge fields included.")
    leads_to: str = Field(description="Where it takes the user shown.")


class WarningView(View):
    """Something an author may want to change: a stable code, and a sentence."""

    model_config = exemplify(
        code="missing_alt", detail="1 image has no alt text, which is what many people see first."
    )

    code: str = Field(description="What a program looks at.")
    detail: str = Field(description="What an author reads.")


class Sizes(View):
    """Bytes of the parts as this user would get them, tracking included."""

    model_config = exemplify(html=1964, text=318)

    html: int
    text: int


class MessagePreview(View):
    """A message as one user would get it, in a form that counts nothing and unsubscribes nobody."""

    model_config = exemplify(
        from_name="Riverside Music School",
        from_email="news@riverside.example",
        reply_to="office@riverside.example",
        subject="Choir begins again",
        preheader="Spring dates",
        html=HTML.replace("{{ first_name }}", "Ines"),
        text="Dear Ines, choir (https://riverside.example/choir) begins on Monday.",
    )

    user: ShownUser | None = Field(description="Null when nobody is shown: fallbacks alone.")
    from_name: str
    from_email: str
    reply_to: str | None
    subject: str
    preheader: str | None
    html: str
    text: str
    links: Sequence[ShownLink]
    warnings: Sequence[WarningView] = Field(description="None of them keeps the message from being sent.")
    sizes: Sizes


class TestResult(View):
    """What became of the test message to one address; `detail` says why it was not sent."""

    model_config = exemplify(
        address="marta.ruiz@riverside.example",
        sent=True,
        message_id="0102019cadc69a80-6a4e3c5d-19f0-4c1b-9f7e-2d8b6f1a0c34-000000",
        detail=None,
    )

    address: str
    sent: bool = Field(description="Whether SES took it.")
    message_id: str | None = Field(description="The name that SES gave it.")
    detail: str | None = Field(description="Why it was not sent, in plain words.")


class TestReport(View):
    """What became of a test message, for each address once."""

    results: Sequence[TestResult]


class MergeFieldView(View):
    """A field an author can use."""

    model_config = exemplify(
        name="first_name",
        syntax="{{ first_name }}",
        description="The recipient's first name.",
    )

    name: str
    syntax: str = Field(description="What an author writes.")
    description: str


class MergeFields(View):
    """Every field there is, and for `attributes.KEY` the keys that users have."""

    fields: Sequence[MergeFieldView]
    attributes: Sequence[str] = Field(
        description="Keys found on a sample of users, those of most users first; at most 200.",
        examples=[["child"]],
    )
