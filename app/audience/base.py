"""What a filter is, and the registry that finds one by its `kind`."""

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Annotated, Any, ClassVar, get_args

from pydantic import ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from sqlalchemy import ColumnElement, Select, exists

from app.audience.narrowing import ACCOUNT, Column, Record, narrow_users
from app.audience.scope import Scope
from app.core.schema import Body

DEEPEST = 5
"""How deep combinations may be nested, as SPEC has it."""


class Filter(Body):
    """One way to name users. A subclass gives `kind`, its parameters as fields, and `users`."""

    model_config = ConfigDict(serialize_by_alias=True)

    registry: ClassVar[dict[str, type["Filter"]]] = {}
    record: ClassVar[Record] = ACCOUNT
    """What the record that makes a user match can say of trainer, category and place."""
    repeats: ClassVar[bool] = True
    """Whether `users` may name somebody twice; not having to look for that is faster."""

    kind: str

    def users(self, scope: Scope) -> Select[str]:
        """Return a query of the external ids of the users meant, all of them users that there are."""
        raise NotImplementedError

    def narrowed(self, scope: Scope) -> Select[str]:
        """Return the users meant whom `scope.narrow` leaves; their preferences are not looked at here."""
        return narrow_users(self.users(scope), self.record, scope)

    def holds(self, user: ColumnElement[str] | Column, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that the narrowed filter names this user."""
        return user.in_(self.narrowed(scope))

    def fails(self, user: ColumnElement[str] | Column, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that the narrowed filter does not name this user."""
        named = self.narrowed(scope).subquery()
        return ~exists().where(named.c[0] == user).correlate_except(named)

    def may_repeat(self) -> bool:
        """Tell whether `narrowed` may name somebody twice."""
        return self.repeats

    @property
    def parts(self) -> tuple["Filter", ...]:
        """The filters that this one is made of."""
        return ()

    def references(self) -> Mapping[str, tuple[Column, object]]:
        """Return by field which record must be there: the column of its id, and the id."""
        return {}

    def walk(self, pointer: str = "") -> Iterator[tuple[str, "Filter"]]:
        """Go through this filter and all its parts, each with its JSON pointer."""
        yield pointer, self
        for index, part in enumerate(self.parts):
            yield from part.walk(f"{pointer}/filters/{index}")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the kind, so that defining the class is all there is to do; a base of kinds has none."""
        super().__pydantic_init_subclass__(**kwargs)
        for kind in get_args(cls.model_fields["kind"].annotation):
            Filter.registry[kind] = cls

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe a kind as what it is, and a filter as one of the kinds registered by then."""
        if cls is not Filter:
            return handler(schema)
        kinds = {kind: found.__pydantic_core_schema__ for kind, found in sorted(Filter.registry.items())}
        token = _describing.set(True)
        try:
            return handler(core_schema.tagged_union_schema(kinds, discriminator="kind"))
        finally:
            _describing.reset(token)


_describing: ContextVar[bool] = ContextVar("describing", default=False)
_depth: ContextVar[int] = ContextVar("depth", default=0)


def _read_filter(value: Any) -> Any:  # whatever JSON the caller sent
    if isinstance(value, Filter):
        return value
    depth = _depth.get()
    if depth > DEEPEST:
        raise PydanticCustomError("too_deep", "is nested more than {deepest} deep", {"deepest": DEEPEST})
    kind = value.get("kind") if isinstance(value, dict) else None
    found = Filter.registry.get(kind) if isinstance(kind, str) else None
    if found is None:
        kinds = ", ".join(sorted(Filter.registry))
        raise PydanticCustomError("unknown_kind", "needs a `kind`, one of: {kinds}", {"kinds": kinds})
    token = _depth.set(depth + 1)
    try:
        return found.model_validate(value)
    finally:
        _depth.reset(token)


class _OfAnyKind:
    """Reads a filter by its `kind`; in JSON Schema it is one of the kinds registered by then, as `Filter`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: object) -> CoreSchema:
        as_it_is = core_schema.simple_ser_schema("any")
        return core_schema.no_info_plain_validator_function(_read_filter, serialization=as_it_is)

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = Filter.__pydantic_core_schema__
        if _describing.get():  # of a combination's parts, the name is all there is to say
            schema = core_schema.definition_reference_schema(schema["ref"])
            return handler(schema)
        return handler(core_schema.definitions_schema(schema, []))


AnyFilter = Annotated[Filter, _OfAnyKind]
