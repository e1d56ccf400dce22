"""What the document says is what is answered: faults that schemathesis found, each with its request."""

import httpx
import pytest

from tests.school import SchoolClient


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/u/x", {"GET", "HEAD", "POST"}),
        ("/v1/school", {"GET", "PATCH"}),
        ("/v1/directory/users", {"GET", "PUT"}),
        ("/v1/directory/users/u1", {"GET", "DELETE"}),
        ("/webhooks/ses", {"POST"}),
    ],
)
async def test_a_405_names_every_method_of_the_path(
    public: httpx.AsyncClient, path: str, allowed: set[str]
) -> None:
    answer = await public.request("OPTIONS", path)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("value", ["0.5", "1700000000", "2026-01-01"])
async def test_an_instant_is_no_count_of_seconds(school: SchoolClient, value: str) -> None:
    answer = await school.http.get("/v1/campaigns", params={"sent_before": value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/sent_before"
