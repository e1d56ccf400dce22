"""What an audience is narrowed by, as the API takes it."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.core.schema import Body, Flag, Reference

MOST_NAMED = 200

Subscribable = TypeAliasType("Subscribable", Literal["marketing", "newsletter"])
References = Annotated[tuple[Reference, ...], Field(max_length=MOST_NAMED)]


class Narrow(Body):
    """Keeps of the users that a filter names those with the right trainer, category, place and wishes.

    Trainer, category and place are asked of the very record that made the user match; what it cannot
    answer, of the user's current enrollments and confirmed bookings.
    """

    trainers: References = Field((), description="External ids; any of them will do.")
    categories: References = Field((), description="External ids; any of them will do.")
    preferences: Annotated[tuple[Subscribable, ...], Field(max_length=2)] = Field(
        (), description="Only users who are explicitly `subscribed` to each of these."
    )
    exclude_remote_courses: Flag = Field(
        default=False, description="Leave out what is taught in a `remote` course (a `hybrid` one stays)."
    )
