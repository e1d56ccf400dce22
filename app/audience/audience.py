"""The audience of a message: a filter of any kind there is, narrowed; or a saved one."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

import app.audience.filters  # noqa: F401  # an audience can be read once every kind is registered
from app.audience.base import AnyFilter, Filter
from app.audience.narrow import Narrow
from app.core.schema import Body

MOST_PARTS = 100


def _is_bounded(value: Filter) -> Filter:
    if sum(1 for _ in value.walk()) > MOST_PARTS:
        raise PydanticCustomError(
            "too_many_parts", "has more than {most} filters in all", {"most": MOST_PARTS}
        )
    return value


BoundedFilter = Annotated[AnyFilter, AfterValidator(_is_bounded)]


class FilteredAudience(Body):
    """Who is meant: whom a filter names, narrowed."""

    filter: BoundedFilter = Field(description="Whom it names.")
    narrow: Narrow = Narrow()


class Audience(Body):
    """Who is meant: a `filter`, which may be narrowed, or a `mailing_list_id`."""

    filter: BoundedFilter | None = Field(None, description="Whom it names.")
    narrow: Narrow = Narrow()
    mailing_list_id: UUID | None = Field(None, description="A saved audience, as it is when sending starts.")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "Audience":
        if (self.filter is None) == (self.mailing_list_id is None):
            raise PydanticCustomError("one_of_two", "needs either a `filter` or a `mailing_list_id`")
        if self.filter is None and "narrow" in self.model_fields_set:
            raise PydanticCustomError("narrowed_list", "a mailing list cannot be narrowed: change the list")
        return self
