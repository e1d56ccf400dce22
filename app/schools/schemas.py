"""The school as the API shows it."""

from collections.abc import Set
from functools import cache
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, HttpUrl

from app.core.schema import Body, Flag, Fraction, Instant, Name, NoText, Text, View, exemplify


@cache
def _read_timezones() -> Set[str]:
    # Every file of the time zone database is opened for it: 25 ms.
    return available_timezones()


def _is_timezone(value: str) -> str:
    if value not in _read_timezones():
        raise ValueError("must be an IANA time zone such as Europe/Madrid")
    ZoneInfo(value)
    return value


def _is_sender(value: str) -> str:
    try:
        validate_email(value, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    return value


def _is_profile_template(value: str) -> str:
    if "{external_id}" not in value:
        raise ValueError("must contain {external_id}")
    HttpUrl(value.replace("{external_id}", "1"))
    return value


def _is_single_line(value: str) -> str:
    if any(ord(char) < 32 or char in "\u2028\u2029\x7f\x85" for char in value):
        raise ValueError("must be a single line")
    return value


def _is_not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


TimeZone = Annotated[Text, AfterValidator(_is_timezone)]
SenderAddress = Annotated[Text, AfterValidator(_is_sender)]
SenderName = Annotated[Name, AfterValidator(_is_single_line)]
ProfileTemplate = Annotated[Text, Field(max_length=2000), AfterValidator(_is_profile_template)]
PostalAddress = Annotated[Text, Field(min_length=1, max_length=1000), AfterValidator(_is_not_blank)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
# As SES names tenants: any other would have every send refused.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ses-tenant.html
SesTenant = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


_MEANINGS = {
    "timezone": "An IANA time zone: reports are on its clocks.",
    "from_name": "From whom mail comes.",
    "from_email": "From where mail comes: an identity verified in SES.",
    "reply_to": "Where answers go; null is the sender.",
    "postal_address": "Stands in the footer of marketing and newsletters.",
    "profile_url_template": "Where the platform shows a user; `{external_id}` is put in.",
    "require_opt_in": "Leave out who never said `subscribed`, beside who unsubscribed.",
    "soft_bounce_limit": "So many soft bounces in a row suppress an address.",
    "guard_bounce_rate": "A campaign pauses when so much of it bounces: a fraction of what was delivered.",
    "guard_complaint_rate": "A campaign pauses when so much of it is marked as spam: a fraction likewise.",
    "guard_minimum": "Both rates are looked at after so many mails.",
    "ses_tenant": "The tenant in SES that sends; null is none.",
    "colour": "Of buttons and pages, as `#rrggbb`; null is the product's own.",
}


class SchoolCreate(Body):
    """What a new school needs."""

    name: SenderName
    timezone: TimeZone
    from_name: SenderName
    from_email: SenderAddress
    postal_address: PostalAddress


class SchoolPatch(Body):
    """Settings to change; what is left out stays."""

    model_config = exemplify(reply_to="office@riverside.example", colour="#1d4ed8")

    name: SenderName | None = None
    timezone: TimeZone | None = Field(None, description=_MEANINGS["timezone"])
    from_name: SenderName | None = Field(None, description=_MEANINGS["from_name"])
    from_email: SenderAddress | None = Field(None, description=_MEANINGS["from_email"])
    reply_to: SenderAddress | None = Field(None, description=_MEANINGS["reply_to"])
    postal_address: PostalAddress | None = Field(None, description=_MEANINGS["postal_address"])
    profile_url_template: ProfileTemplate | None = Field(None, description=_MEANINGS["profile_url_template"])
    require_opt_in: Flag | None = Field(None, description=_MEANINGS["require_opt_in"])
    soft_bounce_limit: Annotated[int, Field(ge=1, le=100), NoText] | None = Field(
        None, description=_MEANINGS["soft_bounce_limit"]
    )
    guard_bounce_rate: Annotated[Fraction, Field(gt=0, le=1)] | None = Field(
        None, description=_MEANINGS["guard_bounce_rate"]
    )
    guard_complaint_rate: Annotated[Fraction, Field(gt=0, le=1)] | None = Field(
        None, description=_MEANINGS["guard_complaint_rate"]
    )
    guard_minimum: Annotated[int, Field(ge=1, le=1_000_000_000), NoText] | None = Field(
        None, description=_MEANINGS["guard_minimum"]
    )
    ses_tenant: SesTenant | None = Field(None, description=_MEANINGS["ses_tenant"])
    colour: Colour | None = Field(None, description=_MEANINGS["colour"])


NULLABLE = frozenset({"reply_to", "profile_url_template", "ses_tenant", "colour"})


class SchoolView(View):
    """The school's own settings."""

    model_config = exemplify(
        id="019b8d99-6900-7d64-adeb-d942d7dc26a8",
        name="Riverside Music School",
        timezone="Europe/Madrid",
        from_name="Riverside Music School",
        from_email="news@riverside.example",
        reply_to="office@riverside.example",
        postal_address="Riverside Music School, 1 River Street, Springfield",
        profile_url_template="https://riverside.example/people/{external_id}",
        require_opt_in=False,
        soft_bounce_limit=5,
        guard_bounce_rate=0.04,
        guard_complaint_rate=0.0008,
        guard_minimum=500,
        ses_tenant=None,
        colour="#1d4ed8",
        created_at="2026-01-05T10:00:00Z",
        updated_at="2026-01-05T10:00:00Z",
    )

    id: UUID
    name: str
    timezone: str = Field(description=_MEANINGS["timezone"])
    from_name: str = Field(description=_MEANINGS["from_name"])
    from_email: str = Field(description=_MEANINGS["from_email"])
    reply_to: str | None = Field(description=_MEANINGS["reply_to"])
    postal_address: str = Field(description=_MEANINGS["postal_address"])
    profile_url_template: str | None = Field(description=_MEANINGS["profile_url_template"])
    require_opt_in: bool = Field(description=_MEANINGS["require_opt_in"])
    soft_bounce_limit: int = Field(description=_MEANINGS["soft_bounce_limit"])
    guard_bounce_rate: float = Field(description=_MEANINGS["guard_bounce_rate"])
    guard_complaint_rate: float = Field(description=_MEANINGS["guard_complaint_rate"])
    guard_minimum: int = Field(description=_MEANINGS["guard_minimum"])
    ses_tenant: str | None = Field(description=_MEANINGS["ses_tenant"])
    colour: str | None = Field(description=_MEANINGS["colour"])
    created_at: Instant
    updated_at: Instant
