"""What is taught."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, ExternalId
from app.directory.models.record import Record, reference


class Course(Record, Base):
    """Something taught."""

    __tablename__ = "courses"
    __table_args__ = (
        reference("category", "categories"),
        reference("trainer", "trainers"),
        Index(None, "school_id", "category"),
        Index(None, "school_id", "trainer"),
    )

    title: Mapped[str]
    category: Mapped[str | None] = mapped_column(ExternalId)
    trainer: Mapped[str | None] = mapped_column(ExternalId)
    delivery: Mapped[str]
