"""What the OpenAPI document says of every operation alike: its tags, and how refusals look."""

from collections.abc import Iterator
from typing import Any

from app.core.errors import AppError, MalformedRequest, TooLarge, Unavailable

PROBLEM_TYPE = "application/problem+json"
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
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
    return document


def _walk_operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (operation for method, operation in path.items() if method in METHODS)


def _is_generated(response: dict[str, Any]) -> bool:
    """Tell whether FastAPI made it up: this product never answers in that form."""
    return "HTTPValidationError" in str(response)


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
