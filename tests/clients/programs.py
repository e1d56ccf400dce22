"""Programs of an integration's own: run as processes, and what each of them must have found."""

import asyncio
import os
from typing import Any

USERS = 40
REFUSALS = [
    [422, "urn:campaigns:problem:invalid-input", ["/html"]],
    [409, "urn:campaigns:problem:conflict", []],
    [404, "urn:campaigns:problem:not-found", []],
    [401, "urn:campaigns:problem:unauthenticated", []],
]


async def run_program(*command: str, cwd: str | None = None, **environment: str) -> str:
    """Run a program to its good end and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaint = await process.communicate()
    assert process.returncode == 0, (printed + complaint).decode()[-4000:]
    return printed.decode()


def check_findings(found: dict[str, Any]) -> None:
    """Assert what any client finds, having done what the programs do."""
    assert found["stored"] == USERS
    assert found["previewed"]["matched"] == USERS
    assert found["previewed"]["recipients"] == USERS - 2
    assert found["same_campaign"]
    report = found["report"]
    assert report["status"] == "sent"
    assert report["sent_at"]
    assert report["stats"]["delivered"] == USERS - 2
    assert report["statuses"] == {"delivered": USERS - 2}
    assert len(set(report["emails"])) == report["rows_of_file"] == USERS - 2
    assert report["emails"] == sorted(report["emails"])
    assert report["excluded"] == {"u-1": "unsubscribed", "u-2": "suppressed"}
    assert report["links"] == ["https://riverside.example/choir"]
    assert found["problems"] == REFUSALS, found["problems"]
