"""The school as the API shows it."""

from collections.abc import Set
from functools import cache
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, HttpUrl

from app.core.schema import Body, Instant, Name, Text, View, exemplify


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
    timezone: TimeZone | None = None
    from_name: SenderName | None = None
    from_email: SenderAddress | None = None
    reply_to: SenderAddress | None = None
    postal_address: PostalAddress | None = None
    profile_url_template: ProfileTemplate | None = None
    require_opt_in: bool | None = None
    soft_bounce_limit: Annotated[int, Field(ge=1, le=100)] | None = None
    guard_bounce_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    guard_complaint_rate: Annotated[float, Field(gt=0, le=1)] | None = None
    guard_minimum: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    ses_tenant: Annotated[Text, Field(min_length=1, max_length=64)] | None = None
    colour: Colour | None = None


NULLABLE = frozenset({"reply_to", "profile_url_template", "ses_tenant", "colour"})


class SchoolView(View):
    """The school's own settings."""

    id: UUID
    name: str
    timezone: str
    from_name: str
    from_email: str
    reply_to: str | None
    postal_address: str
    profile_url_template: str | None
    require_opt_in: bool
    soft_bounce_limit: int
    guard_bounce_rate: float
    guard_complaint_rate: float
    guard_minimum: int
    ses_tenant: str | None
    colour: str | None
    created_at: Instant
    updated_at: Instant
