"""What the directory answers: each record as it was pushed, and when it was made and changed."""

from typing import Any

from pydantic import create_model

from app.core.schema import Instant, View
from app.directory.resources import Resource


def view_of(resource: Resource) -> type[View]:
    """Return the answer's model: the item's own fields, less what only a push carries."""
    fields: dict[str, Any] = {
        name: (field.annotation if name != "email" else str, ...)
        for name, field in resource.item.model_fields.items()
        if name != "preferences_changed_at"
    }
    return create_model(
        resource.model.__name__, __base__=View, **fields, created_at=(Instant, ...), updated_at=(Instant, ...)
    )
