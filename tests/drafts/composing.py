"""Drafts as an author posts them, and what is answered."""

from typing import Any

import httpx

from tests.school import MESSAGE, SchoolClient

DRAFT: dict[str, Any] = {name: value for name, value in MESSAGE.items() if name != "audience"}
ANN = {
    "external_id": "ann",
    "email": "ann@school.example",
    "first_name": "Ann",
    "last_name": "Bell",
    "attributes": {"level": 3, "city": "São Paulo"},
}


async def post_draft(school: SchoolClient, path: str, **changes: Any) -> httpx.Response:
    """Post a draft (marketing, no audience, unless changed)."""
    return await school.http.post(f"/v1/messages/{path}", json=DRAFT | changes)


async def preview(school: SchoolClient, **changes: Any) -> Any:
    """Return the preview of a draft; it must be good."""
    answer = await post_draft(school, "preview", **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def send_test(school: SchoolClient, *to: str, **changes: Any) -> list[dict[str, Any]]:
    """Send a test of a draft; return what became of each address."""
    answer = await post_draft(school, "test", to=list(to), **changes)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results
