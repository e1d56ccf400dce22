"""The resources of the directory, in an order in which references come before what refers to them."""

from app.directory import models, schemas
from app.directory.resources import Resource
from app.directory.sync import land_records, make_record
from app.directory.users import PUSHED, land_users, make_user

RESOURCES = (
    Resource(
        "users",
        schemas.UserItem,
        models.User,
        make_user,
        land_users,
        result=schemas.UserSyncResult,
        removable=False,
        pushed=PUSHED,
    ),
    Resource("trainers", schemas.TrainerItem, models.Trainer, make_record, land_records),
    Resource("categories", schemas.CategoryItem, models.Category, make_record, land_records),
    Resource("groups", schemas.GroupItem, models.Group, make_record, land_records),
    Resource(
        "memberships",
        schemas.MembershipItem,
        models.Membership,
        make_record,
        land_records,
        {"group": models.Group, "user": models.User},
    ),
    Resource(
        "courses",
        schemas.CourseItem,
        models.Course,
        make_record,
        land_records,
        {"category": models.Category, "trainer": models.Trainer},
    ),
    Resource(
        "enrollments",
        schemas.EnrollmentItem,
        models.Enrollment,
        make_record,
        land_records,
        {"user": models.User, "course": models.Course},
    ),
    Resource(
        "bookings",
        schemas.BookingItem,
        models.Booking,
        make_record,
        land_records,
        {"user": models.User, "course": models.Course, "trainer": models.Trainer},
    ),
    Resource(
        "passes",
        schemas.PassItem,
        models.Pass,
        make_record,
        land_records,
        {"user": models.User, "category": models.Category},
    ),
    Resource(
        "subscriptions",
        schemas.SubscriptionItem,
        models.Subscription,
        make_record,
        land_records,
        {"user": models.User, "category": models.Category},
    ),
    Resource(
        "orders",
        schemas.OrderItem,
        models.Order,
        make_record,
        land_records,
        {"user": models.User, "course": models.Course},
    ),
)
