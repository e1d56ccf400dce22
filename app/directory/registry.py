"""The resources of the directory, in an order in which references come before what refers to them."""

from app.directory import models, schemas
from app.directory.resources import Resource
from app.directory.sync import sync_records
from app.directory.users import sync_users

RESOURCES = (
    Resource(
        "users", schemas.UserItem, models.User, sync_users, result=schemas.UserSyncResult, removable=False
    ),
    Resource("trainers", schemas.NamedItem, models.Trainer, sync_records),
    Resource("categories", schemas.NamedItem, models.Category, sync_records),
    Resource("groups", schemas.NamedItem, models.Group, sync_records),
    Resource(
        "memberships",
        schemas.MembershipItem,
        models.Membership,
        sync_records,
        {"group": models.Group, "user": models.User},
    ),
    Resource(
        "courses",
        schemas.CourseItem,
        models.Course,
        sync_records,
        {"category": models.Category, "trainer": models.Trainer},
    ),
    Resource(
        "enrollments",
        schemas.EnrollmentItem,
        models.Enrollment,
        sync_records,
        {"user": models.User, "course": models.Course},
    ),
    Resource(
        "bookings",
        schemas.BookingItem,
        models.Booking,
        sync_records,
        {"user": models.User, "course": models.Course, "trainer": models.Trainer},
    ),
    Resource(
        "passes",
        schemas.PassItem,
        models.Pass,
        sync_records,
        {"user": models.User, "category": models.Category},
    ),
    Resource(
        "subscriptions",
        schemas.SubscriptionItem,
        models.Subscription,
        sync_records,
        {"user": models.User, "category": models.Category},
    ),
    Resource(
        "orders",
        schemas.OrderItem,
        models.Order,
        sync_records,
        {"user": models.User, "course": models.Course},
    ),
)
