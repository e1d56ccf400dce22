"""Sending files to a school's imports, and reading what became of them."""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx

from tests.school import SchoolClient

NDJSON, CSV = "application/x-ndjson", "text/csv"


def to_ndjson(*items: dict[str, Any]) -> bytes:
    """Return the items as a file, one a line."""
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def user(number: int, **fields: Any) -> dict[str, Any]:
    """Return a good user."""
    return {"external_id": f"u{number}", "email": f"user{number}@school.example", **fields}


async def post_file(
    school: SchoolClient,
    content: bytes | Iterable[bytes],
    *,
    resource: str = "users",
    kind: str = NDJSON,
    **headers: str,
) -> httpx.Response:
    """Send a file, whole or in pieces."""

    async def stream() -> AsyncIterator[bytes]:
        for piece in [content] if isinstance(content, bytes) else content:
            yield piece

    return await school.http.post(
        "/v1/imports",
        params={"resource": resource},
        content=stream(),
        headers={"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}},
    )


async def send_file(
    school: SchoolClient, content: bytes | Iterable[bytes], *, resource: str = "users", kind: str = NDJSON
) -> dict[str, Any]:
    """Send a file that must be read to its end; return the import, its sums checked."""
    answer = await post_file(school, content, resource=resource, kind=kind)
    assert answer.status_code == 202, answer.text
    done: dict[str, Any] = answer.json()
    assert done["status"] == "completed"
    assert done["finished_at"]
    check_sums(done)
    return done


def check_sums(done: dict[str, Any]) -> None:
    """No row vanishes."""
    assert done["rows_read"] == done["rows_stored"] + done["rows_rejected"]
    assert done["rows_stored"] == done["created"] + done["updated"] + done["unchanged"]


async def read_rejections(school: SchoolClient, done: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Return line, field and reason of every rejection, by small pages."""
    found: list[tuple[int, str, str]] = []
    cursor: str | None = None
    while True:
        query = {"limit": 7} | ({"cursor": cursor} if cursor else {})
        page = await school.read(f"/v1/imports/{done['id']}/rejections", **query)
        found += [(row["line"], row["field"], row["reason"]) for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


async def read_users(school: SchoolClient) -> dict[str, dict[str, Any]]:
    """Return the school's users (at most a page of them) by external id."""
    page = await school.read("/v1/directory/users", limit=200)
    return {item["external_id"]: item for item in page["items"]}
