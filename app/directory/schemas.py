"""The directory's records as the platform pushes and reads them."""

import re
from math import isfinite
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from app.core.schema import Body, Instant, Name, Reference, View, exemplify, no_nul
from app.directory.addresses import read_address

LARGEST_WHOLE = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _check_scalar(value: object) -> object:
    if type(value) is str and len(value) <= 10_000 and value.isascii() and "\x00" not in value:
        return value  # nearly all of them
    match value:
        case str() if len(value) > 10_000 or _UNSTORABLE.search(value):
            raise ValueError("must be at most 10000 characters, none of them NUL or a lone surrogate")
        case bool() | str() | None:
            return value
        case int() if abs(value) <= LARGEST_WHOLE:
            return value
        case float() if isfinite(value):
            return value
    raise ValueError("must be text, a boolean, null, or a number that fits 64 bits")


Preference = Literal["subscribed", "unsubscribed", "unset"]
Scalar = Annotated[str | bool | int | float | None, BeforeValidator(_check_scalar)]
AttributeKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _is_address(value: str) -> str:
    return read_address(value).typed


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320),
    AfterValidator(no_nul),
    AfterValidator(_is_address),
]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255), AfterValidator(no_nul)]
Locale = Annotated[str, StringConstraints(max_length=35), AfterValidator(no_nul)]


class RecordItem(Body):
    """What every record of the directory has."""

    external_id: Reference


class UserItem(RecordItem):
    """A person the school may write to.

    A preference that is left out stays as it is. `preferences_changed_at` later than an unsubscription
    made here is what lets a pushed `subscribed` lift it.
    """

    model_config = exemplify(
        external_id="u-7",
        email="ines.jensen@riverside.example",
        first_name="Ines",
        last_name="Jensen",
        registered_at="2026-01-12T09:30:00Z",
        marketing="subscribed",
        locale="en",
        attributes={"level": "A2"},
    )

    email: Email
    first_name: PersonName = ""
    last_name: PersonName = ""
    status: Literal["active", "inactive"] = "active"
    registered_at: Instant | None = None
    marketing: Preference | None = None
    newsletter: Preference | None = None
    locale: Locale | None = None
    attributes: Annotated[dict[AttributeKey, Scalar], Field(max_length=100, default_factory=dict)]
    preferences_changed_at: Instant | None = None


class NamedItem(RecordItem):
    """A trainer, a category or a group."""

    model_config = exemplify(external_id="choir", name="Choir")

    name: Name


class MembershipItem(RecordItem):
    """One user's place in one group."""

    model_config = exemplify(external_id="m-1", group="choir", user="u-7")

    group: Reference
    user: Reference


class CourseItem(RecordItem):
    """Something taught."""

    model_config = exemplify(external_id="choir-2026", title="Choir", category="choir", trainer="t-1")

    title: Name
    category: Reference | None = None
    trainer: Reference | None = None
    delivery: Literal["onsite", "remote", "hybrid"] = "onsite"


class EnrollmentItem(RecordItem):
    """One user's time in one course; `ends_at` null is open."""

    model_config = exemplify(
        external_id="e-1", user="u-7", course="choir-2026", starts_at="2026-02-02T16:00:00Z"
    )

    user: Reference
    course: Reference
    starts_at: Instant
    ends_at: Instant | None = None
    status: Literal["active", "cancelled"] = "active"

    @model_validator(mode="after")
    def _ends_after_start(self) -> "EnrollmentItem":
        if self.ends_at is not None and self.ends_at < self.starts_at:
            raise ValueError("ends_at must not be before starts_at")
        return self


class BookingItem(RecordItem):
    """One user's place at one time; without a trainer it is the course's."""

    model_config = exemplify(
        external_id="b-1",
        user="u-7",
        course="choir-2026",
        starts_at="2026-03-09T16:00:00Z",
        ends_at="2026-03-09T17:30:00Z",
    )

    user: Reference
    course: Reference
    trainer: Reference | None = None
    starts_at: Instant
    ends_at: Instant
    status: Literal["confirmed", "cancelled"] = "confirmed"

    @model_validator(mode="after")
    def _ends_after_start(self) -> "BookingItem":
        if self.ends_at < self.starts_at:
            raise ValueError("ends_at must not be before starts_at")
        return self


class PassItem(RecordItem):
    """A right to come; `valid_until` null is open, `credits_left` null is without limit."""

    model_config = exemplify(external_id="p-1", user="u-7", valid_from="2026-01-01T00:00:00Z", credits_left=8)

    user: Reference
    category: Reference | None = None
    valid_from: Instant
    valid_until: Instant | None = None
    credits_left: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    status: Literal["active", "cancelled"] = "active"

    @model_validator(mode="after")
    def _ends_after_start(self) -> "PassItem":
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until must not be before valid_from")
        return self


class SubscriptionItem(RecordItem):
    """A running payment; `current_period_end` null is open."""

    model_config = exemplify(external_id="s-1", user="u-7", status="active")

    user: Reference
    category: Reference | None = None
    status: Literal["active", "trialing", "paused", "cancelled"]
    current_period_end: Instant | None = None


class OrderItem(RecordItem):
    """Something bought, with or without a course."""

    model_config = exemplify(
        external_id="o-1", user="u-7", course="choir-2026", placed_at="2026-01-12T09:35:00Z"
    )

    user: Reference
    course: Reference | None = None
    placed_at: Instant
    status: Literal["paid", "refunded", "pending", "cancelled"] = "paid"


class SyncResult(View):
    """What a batch of records changed."""

    created: int
    updated: int
    unchanged: int


class UserSyncResult(SyncResult):
    """What a batch of users changed; `preferences_kept` counts the `subscribed` that were ignored."""

    preferences_kept: int
