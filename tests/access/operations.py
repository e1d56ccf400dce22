"""Every operation of the OpenAPI document as a request: its scopes, its path, and the least valid body."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

METHODS = ("get", "post", "put", "patch", "delete")
VALUES: dict[str, Any] = {"audience": {"filter": {"kind": "active_users"}}, "html": "<p>Hello</p>"}
"""For properties whose schema tells less than the product asks."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    scopes: tuple[str, ...] | None
    parameters: tuple[str, ...]
    query: str
    media_type: str
    body: bytes

    @property
    def name(self) -> str:
        """How a failing test names it."""
        return f"{self.method} {self.path}"


def read_operations(document: Mapping[str, Any]) -> list[Operation]:
    """Return every operation of the document; `scopes` is None where no credential is asked for."""
    return [
        _read_operation(document, method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def _read_operation(
    document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]
) -> Operation:
    security = operation.get("security")
    scopes = None
    if security is not None:
        needed = {tuple(scopes) for each in security for scopes in each.values()}
        assert len(needed) == 1, f"{path}: both kinds of credential need the same"
        scopes = needed.pop()
    parameters = operation.get("parameters", [])
    media_type, body = _make_body(document, operation)
    return Operation(
        method=method.upper(),
        path=path,
        scopes=scopes,
        parameters=tuple(each["name"] for each in parameters if each["in"] == "path"),
        query="&".join(
            f"{each['name']}={make_example(document, each['schema'])}"
            for each in parameters
            if each["in"] == "query" and each.get("required")
        ),
        media_type=media_type,
        body=body,
    )


def _make_body(document: Mapping[str, Any], operation: Mapping[str, Any]) -> tuple[str, bytes]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        example = make_example(document, content["application/json"]["schema"])
        return "application/json", orjson.dumps(example)
    return next(
        ((kind, str(each.get("example", "")).encode()) for kind, each in content.items()),
        ("application/json", b""),
    )


def make_example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """Return the least value that a schema takes: of an object what is required, of a choice the first."""
    if "$ref" in schema:
        return make_example(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return make_example(document, schema[choice][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    match schema.get("type"):
        case "object":
            return dict(_fill(document, schema))
        case "array":
            return [make_example(document, schema["items"])] * max(1, schema.get("minItems", 0))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    formats = {"date-time": "2026-01-01T00:00:00Z", "uuid": "00000000-0000-7000-8000-000000000000"}
    return formats.get(schema.get("format", ""), "x" * max(1, schema.get("minLength", 1)))


def _fill(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    # An object without anything required is a patch, which must name something.
    wanted = schema.get("required") or list(schema.get("properties", {}))[:1]
    for name in wanted:
        yield name, VALUES.get(name) or make_example(document, schema["properties"][name])
