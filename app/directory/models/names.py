"""Records that are little but a name: trainers, categories, groups."""

from sqlalchemy.orm import Mapped

from app.core.db import Base
from app.directory.models.record import Record


class Named(Record):
    """A record that is only a name."""

    name: Mapped[str]


class Trainer(Named, Base):
    """Somebody who teaches."""

    __tablename__ = "trainers"


class Category(Named, Base):
    """A kind of course."""

    __tablename__ = "categories"


class Group(Named, Base):
    """A set of users chosen by the school."""

    __tablename__ = "groups"
