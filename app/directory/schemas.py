"""The directory's records as the platform pushes and reads them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.core.schema import Body, Instant, Name, Reference, Text, View
from app.directory.addresses import read_address


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain NUL")
    return value


Preference = Literal["subscribed", "unsubscribed", "unset"]
Scalar = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_no_nul)] | (
    bool | int | float | None
)
AttributeKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _is_address(value: str) -> str:
    return read_address(value).typed


Email = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=320), AfterValidator(_is_address)]
PersonName = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=255)]


class RecordItem(Body):
    """What every record of the directory has."""

    external_id: Reference


class UserItem(RecordItem):
    """A person the school may write to.

    A preference that is left out stays as it is. `preferences_changed_at` later than an unsubscription
    made here is what lets a pushed `subscribed` lift it.
    """

    email: Email
    first_name: PersonName = ""
    last_name: PersonName = ""
    status: Literal["active", "inactive"] = "active"
    registered_at: Instant | None = None
    marketing: Preference | None = None
    newsletter: Preference | None = None
    locale: Annotated[Text, StringConstraints(max_length=35)] | None = None
    attributes: Annotated[dict[AttributeKey, Scalar], Field(max_length=100, default_factory=dict)]
    preferences_changed_at: Instant | None = None


class NamedItem(RecordItem):
    """A trainer, a category or a group."""

    name: Name


class MembershipItem(RecordItem):
    """One user's place in one group."""

    group: Reference
    user: Reference


class CourseItem(RecordItem):
    """Something taught."""

    title: Name
    category: Reference | None = None
    trainer: Reference | None = None
    delivery: Literal["onsite", "remote", "hybrid"] = "onsite"


class EnrollmentItem(RecordItem):
    """One user's time in one course; `ends_at` null is open."""

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


class SyncResult(View):
    """What a batch of records changed."""

    created: int
    updated: int
    unchanged: int


class UserSyncResult(SyncResult):
    """What a batch of users changed; `preferences_kept` counts the `subscribed` that were ignored."""

    preferences_kept: int
