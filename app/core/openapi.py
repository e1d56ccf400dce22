"""What the OpenAPI document says of every operation alike: its tags, and how refusals look."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.errors import AppError, MalformedRequest, TooLarge, Unavailable
from app.core.examples import SCHEMAS, complete_examples, show_answers

PROBLEM_TYPE = "application/problem+json"
PROBLEM_SCHEMA = {"$ref": f"{SCHEMAS}Problem"}
METHODS = frozenset({"get", "put", "post", "patch", "delete"})
TAGS = {
    "School": "The school's own settings, and who did what in its name.",
    "API keys": "Credentials for integrations: scoped, shown once, revocable.",
    "Directory": "What the platform pushes of its users, courses and their ties.",
    "Imports": "Files of records, of any length.",
    "Suppressions": "The addresses that are not mailed at all.",
    "Audiences": "Who is meant: filters, previews, and audiences saved as mailing lists.",
    "Messages": "Write, preview, test and send. Sending a message is the campaign.",
    "Campaigns": "Steer what was sent: rename, pause, resume, cancel, send now, retry.",
    "Reports": "What became of each campaign, and of each person's mail.",
    "Tracking": "The pixel and the links in the mail itself.",
    "Unsubscribing": "One-click unsubscribing (RFC 8058), and the recipients' own pages.",
    "Webhooks": "What Amazon SES tells through SNS.",
    "Health": "For whoever watches over the deployment.",
}
"""In the order in which an integration meets them."""


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """Add to a generated document what is true of every operation; it is changed in place and returned.

    Refusals are `application/problem+json` (RFC 9457) and no other type, where FastAPI lists the type of
    the success as well.
    """
    _name_pages(document)
    schemas = document["components"]["schemas"]
    complete_examples(schemas)
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    for operation in _walk_operations(document):
        responses = operation["responses"]
        if "security" not in operation and _is_generated(responses.get("422", {})):
            del responses["422"]  # their parameters are any text
        for kind in _find_common_refusals(operation):
            responses.setdefault(str(kind.status), describe_problem(kind))
        for response in responses.values():
            content = response.get("content", {})
            if PROBLEM_TYPE in content:
                response["content"] = {PROBLEM_TYPE: content[PROBLEM_TYPE]}
        operation["responses"] = dict(sorted(responses.items()))
        show_answers(operation, schemas)
    _drop_unused(document)
    return document


def _walk_operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in METHODS)


def _is_generated(response: dict[str, Any]) -> bool:
    """Tell whether FastAPI made it up: this product never answers in that form."""
    return "HTTPValidationError" in str(response)


def _name_pages(document: dict[str, Any]) -> None:
    """Name each page for what is on it: pydantic's `Page_User_` makes a poor name in a generated client."""
    schemas = document["components"]["schemas"]
    names = {name: schema["title"] for name, schema in schemas.items() if name.startswith("Page_")}
    document["components"]["schemas"] = {names.get(name, name): schema for name, schema in schemas.items()}
    references = {f"{SCHEMAS}{old}": f"{SCHEMAS}{new}" for old, new in names.items()}
    _redirect(document, references)


def _drop_unused(document: dict[str, Any]) -> None:
    """Drop schemas that nothing names: FastAPI's form of a refusal, and what stands under another name."""
    schemas = document["components"]["schemas"]
    while unused := schemas.keys() - set(_find_references(document)):
        for name in unused:
            del schemas[name]


def _find_references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].removeprefix(SCHEMAS)
        part = part.values()
    elif not isinstance(part, list):
        return
    for value in part:
        yield from _find_references(value)


def _redirect(part: Any, references: Mapping[str, str]) -> None:
    if isinstance(part, dict):
        if part.get("$ref") in references:
            part["$ref"] = references[part["$ref"]]
        for value in part.values():
            _redirect(value, references)
    elif isinstance(part, list):
        for value in part:
            _redirect(value, references)


def _find_common_refusals(operation: dict[str, Any]) -> Iterator[type[AppError]]:
    """Yield what any such operation may answer: PostgreSQL may be away, a body too large or unreadable."""
    if "security" in operation:
        yield Unavailable
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        yield MalformedRequest
        yield TooLarge


def describe_problem(kind: type[AppError]) -> dict[str, Any]:
    """Return the OpenAPI response of one kind of error, with an example."""
    error = kind()
    example = {
        "type": f"urn:campaigns:problem:{kind.type}",
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail,
        "errors": [],
    }
    return {
        "description": kind.title,
        "content": {PROBLEM_TYPE: {"schema": PROBLEM_SCHEMA, "example": example}},
    }
