"""What the directory answers: each record as it was pushed, and when it was made and changed."""

from inspect import getdoc
from typing import Any

from pydantic import Field, create_model

from app.core.schema import Instant, View, exemplify
from app.directory.resources import Resource

PUSHED_ALONE = frozenset({"preferences_changed_at"})
STORED = {"created_at": "2026-01-12T09:40:00Z", "updated_at": "2026-01-12T09:40:00Z"}


def view_of(resource: Resource) -> type[View]:
    """Return the answer's model: the item's own fields, less what only a push carries."""
    fields: dict[str, Any] = {
        name: (
            field.annotation if name != "email" else str,
            Field(description=field.description),
        )
        for name, field in resource.item.model_fields.items()
        if name not in PUSHED_ALONE
    }
    view: type[View] = create_model(  # type: ignore[call-overload]  # its stub knows no keywords of a dict
        resource.model.__name__,
        __base__=View,
        __doc__=(getdoc(resource.item) or "").partition("\n\n")[0],
        __cls_kwargs__=exemplify(**show_record(resource)),
        **fields,
        created_at=(Instant, ...),
        updated_at=(Instant, ...),
    )
    return view


def show_record(resource: Resource) -> dict[str, Any]:
    """Return the example of an answer: what becomes of the item that is shown as one, defaults included."""
    item = resource.item.model_validate(resource.item.model_json_schema()["examples"][0])
    return item.model_dump(mode="json", exclude=set(PUSHED_ALONE)) | STORED
