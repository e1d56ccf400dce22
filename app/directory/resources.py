"""The resources of the directory: for each its items, its table and what it refers to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.directory import models, schemas


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record; `references` maps a field to the table it names a record of."""

    name: str
    item: type[schemas.RecordItem]
    model: type[models.Record]
    references: Mapping[str, type[models.Record]] = field(default_factory=dict)


RESOURCES = (
    Resource("users", schemas.UserItem, models.User),
    Resource("trainers", schemas.NamedItem, models.Trainer),
    Resource("categories", schemas.NamedItem, models.Category),
    Resource("groups", schemas.NamedItem, models.Group),
    Resource(
        "memberships", schemas.MembershipItem, models.Membership, {"group": models.Group, "user": models.User}
    ),
    Resource(
        "courses", schemas.CourseItem, models.Course, {"category": models.Category, "trainer": models.Trainer}
    ),
    Resource(
        "enrollments", schemas.EnrollmentItem, models.Enrollment, {"user": models.User, "course": models.Course}
    ),
)
