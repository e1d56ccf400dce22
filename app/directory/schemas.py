"""The directory's records as the platform pushes and reads them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import TypeAliasType

from app.core.schema import Body, Instant, Name, NoText, Reference, View, exemplify
from app.directory.fields import (
    AttributeKey,
    CategoryReference,
    CourseReference,
    Email,
    Locale,
    PersonName,
    Scalar,
    TrainerReference,
    UserReference,
)

# Named types are one class in generated clients, wherever they are used.
Preference = TypeAliasType("Preference", Literal["subscribed", "unsubscribed", "unset"])
UserStatus = TypeAliasType("UserStatus", Literal["active", "inactive"])
CourseDelivery = TypeAliasType("CourseDelivery", Literal["onsite", "remote", "hybrid"])
EnrollmentStatus = TypeAliasType("EnrollmentStatus", Literal["active", "cancelled"])
BookingStatus = TypeAliasType("BookingStatus", Literal["confirmed", "cancelled"])
PassStatus = TypeAliasType("PassStatus", Literal["active", "cancelled"])
SubscriptionStatus = TypeAliasType("SubscriptionStatus", Literal["active", "trialing", "paused", "cancelled"])
OrderStatus = TypeAliasType("OrderStatus", Literal["paid", "refunded", "pending", "cancelled"])


class RecordItem(Body):
    """What every record of the directory has."""

    external_id: Reference = Field(description="The platform's own id of the record.")


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
        attributes={"child": "Noa"},
    )

    email: Email
    first_name: PersonName = ""
    last_name: PersonName = ""
    status: UserStatus = "active"
    registered_at: Instant | None = Field(None, description="When the account was made.")
    marketing: Preference | None = Field(None, description="The wish to be sent marketing.")
    newsletter: Preference | None = Field(None, description="The wish to be sent newsletters.")
    locale: Locale | None = Field(None, description="A language tag such as `en` or `pt-BR`.")
    attributes: Annotated[dict[AttributeKey, Scalar], Field(max_length=100, default_factory=dict)] = Field(
        description="Whatever else is known, for merging: `{{ attributes.child }}`."
    )
    preferences_changed_at: Instant | None = Field(
        None,
        description="When the user last said so; later than an unsubscription here, it lifts it. One of the "
        "future counts as now.",
    )


class NamedItem(RecordItem):
    """What is known by its name alone."""

    name: Name


class TrainerItem(NamedItem):
    """Somebody who teaches."""

    model_config = exemplify(external_id="t-1", name="Marta Ruiz")


class CategoryItem(NamedItem):
    """A kind of course."""

    model_config = exemplify(external_id="singing", name="Singing")


class GroupItem(NamedItem):
    """Some of the school's users."""

    model_config = exemplify(external_id="choir-parents", name="Choir parents")


class MembershipItem(RecordItem):
    """One user's place in one group."""

    model_config = exemplify(external_id="m-1", group="choir-parents", user="u-7")

    group: Reference = Field(description="The group's external id.")
    user: UserReference


class CourseItem(RecordItem):
    """Something taught."""

    model_config = exemplify(external_id="choir-2026", title="Choir", category="singing", trainer="t-1")

    title: Name
    category: CategoryReference = None
    trainer: TrainerReference = None
    delivery: CourseDelivery = "onsite"


class EnrollmentItem(RecordItem):
    """One user's time in one course; `ends_at` null is open."""

    model_config = exemplify(
        external_id="e-1", user="u-7", course="choir-2026", starts_at="2026-02-02T16:00:00Z"
    )

    user: UserReference
    course: CourseReference
    starts_at: Instant
    ends_at: Instant | None = Field(None, description="Null is open.")
    status: EnrollmentStatus = "active"

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

    user: UserReference
    course: CourseReference
    trainer: Reference | None = Field(None, description="A trainer's external id; the course's own, if null.")
    starts_at: Instant
    ends_at: Instant
    status: BookingStatus = "confirmed"

    @model_validator(mode="after")
    def _ends_after_start(self) -> "BookingItem":
        if self.ends_at < self.starts_at:
            raise ValueError("ends_at must not be before starts_at")
        return self


class PassItem(RecordItem):
    """A right to come; `valid_until` null is open, `credits_left` null is without limit."""

    model_config = exemplify(external_id="p-1", user="u-7", valid_from="2026-01-01T00:00:00Z", credits_left=8)

    user: UserReference
    category: CategoryReference = None
    valid_from: Instant
    valid_until: Instant | None = Field(None, description="Null is open.")
    credits_left: Annotated[int, Field(ge=0, le=2**31 - 1), NoText] | None = Field(
        None, description="Null is without limit."
    )
    status: PassStatus = "active"

    @model_validator(mode="after")
    def _ends_after_start(self) -> "PassItem":
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until must not be before valid_from")
        return self


class SubscriptionItem(RecordItem):
    """A running payment; `current_period_end` null is open."""

    model_config = exemplify(external_id="s-1", user="u-7", status="active")

    user: UserReference
    category: CategoryReference = None
    status: SubscriptionStatus
    current_period_end: Instant | None = Field(None, description="What is paid for ends then; null is open.")


class OrderItem(RecordItem):
    """Something bought, with or without a course."""

    model_config = exemplify(
        external_id="o-1", user="u-7", course="choir-2026", placed_at="2026-01-12T09:35:00Z"
    )

    user: UserReference
    course: Reference | None = Field(None, description="The course's external id, if it is one.")
    placed_at: Instant
    status: OrderStatus = "paid"


class SyncResult(View):
    """What a batch of records changed."""

    model_config = exemplify(created=1, updated=0, unchanged=0)

    created: int = Field(description="Records that are new.")
    updated: int = Field(description="Records that were other before.")
    unchanged: int = Field(description="Records that were the same before.")


class UserSyncResult(SyncResult):
    """What a batch of users changed; `preferences_kept` counts the `subscribed` that were ignored."""

    preferences_kept: int = Field(
        description="Unsubscriptions made here that a pushed `subscribed` did not undo.", examples=[0]
    )
