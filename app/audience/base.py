"""What a filter is, and the registry that finds one by its `kind`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, GetJsonSchemaHandler, SerializeAsAny
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from sqlalchemy import Select

from app.core.schema import Body


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose users are asked for, and what "now" is: the moment the audience is resolved."""

    school_id: UUID
    now: datetime


class Filter(Body):
    """One way to name users. A subclass gives `kind`, its parameters as fields, and `users`."""

    registry: ClassVar[dict[str, type["Filter"]]] = {}

    kind: str

    def users(self, scope: Scope) -> Select[str]:
        """Return a query of the external ids of the users meant; repeats are allowed."""
        raise NotImplementedError

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the kind, so that defining the class is all there is to do."""
        super().__pydantic_init_subclass__(**kwargs)
        kinds = cls.model_fields["kind"].annotation
        Filter.registry[kinds.__args__[0]] = cls  # type: ignore[union-attr]  # a Literal of one


def _read_filter(value: Any) -> Any:  # whatever JSON the caller sent
    if isinstance(value, Filter):
        return value
    kind = value.get("kind") if isinstance(value, dict) else None
    found = Filter.registry.get(kind) if isinstance(kind, str) else None
    if found is None:
        kinds = ", ".join(sorted(Filter.registry))
        raise PydanticCustomError("unknown_kind", "needs a `kind`, one of: {kinds}", {"kinds": kinds})
    return found.model_validate(value)


class _OneOfEveryKind:
    """Describes a filter in JSON Schema as one of the kinds registered by then."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        kinds = dict(sorted(Filter.registry.items()))
        schemas = {kind: handler(found.__pydantic_core_schema__) for kind, found in kinds.items()}
        return {
            "oneOf": list(schemas.values()),
            "discriminator": {
                "propertyName": "kind",
                "mapping": {kind: schema["$ref"] for kind, schema in schemas.items() if "$ref" in schema},
            },
        }


AnyFilter = Annotated[SerializeAsAny[Filter], BeforeValidator(_read_filter), _OneOfEveryKind]


class FilterKind(BaseModel):
    """A kind of filter as a front end needs it: what it is called, and its parameters as JSON Schema."""

    kind: str
    title: str
    description: str
    parameters: dict[str, Any]


def describe_filters() -> list[FilterKind]:
    """Describe every registered kind."""
    return [_describe(kind, found) for kind, found in sorted(Filter.registry.items())]


def _describe(kind: str, found: type[Filter]) -> FilterKind:
    schema = found.model_json_schema()
    schema["properties"].pop("kind")
    schema["required"] = [name for name in schema.get("required", ()) if name != "kind"]
    description = (found.__doc__ or "").strip()
    return FilterKind(
        kind=kind, title=kind.replace("_", " ").capitalize(), description=description, parameters=schema
    )
