"""Imports every models module once, so that alembic and the mappers see all tables."""

from app.audience import models as audience
from app.campaigns import models as campaigns
from app.core.db import Base
from app.delivery import models as delivery
from app.directory import models as directory
from app.directory.imports import models as imports
from app.feedback import models as feedback
from app.recipients import models as recipients
from app.schools import models as schools

metadata = Base.metadata
__all__ = [
    "audience",
    "campaigns",
    "delivery",
    "directory",
    "feedback",
    "imports",
    "metadata",
    "recipients",
    "schools",
]
