"""The audience of a message: a filter of any kind there is."""

import app.audience.filters  # noqa: F401  # an audience can be read once every kind is registered
from app.audience.base import AnyFilter
from app.core.schema import Body


class Audience(Body):
    """Who is meant."""

    filter: AnyFilter
