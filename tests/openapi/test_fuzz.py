"""No answer that the document does not foretell, whatever is asked: no 5xx, no other status or body."""

import asyncio
import os
import secrets

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from app.core.db import Database
from tests.access.world import fill
from tests.openapi.fuzzing import PHASES, Findings, fuzz
from tests.reports.listening import serve
from tests.school import SchoolClient

SEED = 1
SOAK_SEED = int(os.environ.get("SOAK_SEED", secrets.randbits(32)))  # these are the tests' own settings
SOAK_EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "200"))


def _check(findings: Findings, seed: int) -> None:
    print(f"seed {seed}: {findings}")  # noqa: T201
    assert len(findings.operations) > 90
    assert findings.statuses.keys() >= {200, 204, 401, 404, 422}
    assert not findings.faults, "\n\n".join(f"{what}\n{how}" for what, how in findings.faults.items())


async def test_every_answer_is_one_that_is_documented(
    app: FastAPI, database: Database, school: SchoolClient, unlimited: None, no_ses: None
) -> None:
    ids = await fill(school, database)
    with capture_logs():  # to show them all takes seconds
        async with serve(app) as url:
            findings = await asyncio.to_thread(
                fuzz, url, school.key, seed=SEED, examples=2, phases=["fuzzing"], ids=ids
            )
    _check(findings, SEED)


@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
async def test_every_answer_of_a_process_is_one_that_is_documented(
    api_url: str, database: Database, school: SchoolClient
) -> None:
    ids = await fill(school, database)
    findings = await asyncio.to_thread(
        fuzz, api_url, school.key, seed=SOAK_SEED, examples=SOAK_EXAMPLES, phases=PHASES, ids=ids
    )
    _check(findings, SOAK_SEED)
