"""A mailing to track."""

import httpx
import pytest
from fastapi import FastAPI

from app.core.db import Database
from tests.school import SchoolClient
from tests.tracking.mailing import Mailing, send_mailing


@pytest.fixture
async def mailing(
    school: SchoolClient, app: FastAPI, public: httpx.AsyncClient, database: Database
) -> Mailing:
    """A mailing to two people with two tracked links."""
    return await send_mailing(school, app, public, database)
