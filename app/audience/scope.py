"""The frame in which filters are asked: whose users, at which instant, narrowed by what."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.audience.narrow import Narrow


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose users are asked for, and what "now" is: the moment the audience is resolved.

    `timezone` is the school's: calendar months are counted on its calendar.
    """

    school_id: UUID
    now: datetime
    timezone: str = "UTC"
    narrow: Narrow = field(default_factory=Narrow)
