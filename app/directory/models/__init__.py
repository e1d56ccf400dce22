"""Tables of what a school knows of its users; the platform's `external_id` is each record's key."""

from app.directory.models.bookings import Booking
from app.directory.models.consent import PreferenceChange, SoftBounce, Suppression, Unsubscription
from app.directory.models.courses import Course
from app.directory.models.enrollments import Enrollment
from app.directory.models.memberships import Membership
from app.directory.models.names import Category, Group, Named, Trainer
from app.directory.models.orders import Order
from app.directory.models.passes import Pass
from app.directory.models.record import Record, reference
from app.directory.models.subscriptions import Subscription
from app.directory.models.users import User

__all__ = [
    "Booking",
    "Category",
    "Course",
    "Enrollment",
    "Group",
    "Membership",
    "Named",
    "Order",
    "Pass",
    "PreferenceChange",
    "Record",
    "SoftBounce",
    "Subscription",
    "Suppression",
    "Trainer",
    "Unsubscription",
    "User",
    "reference",
]
