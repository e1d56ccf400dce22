"""Reading refusals: problem details become a mapping of pointer to detail."""

import json
from typing import Any

import httpx


def read_faults(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """Return what a refusal names; it must be problem details of this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "errors"} <= set(problem)
    return {fault["pointer"]: fault["detail"] for fault in problem["errors"]}


async def put_raw(http: httpx.AsyncClient, path: str, body: Any) -> httpx.Response:
    """PUT JSON with every character escaped, so that what UTF-8 cannot carry still arrives."""
    return await http.put(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
