"""One browser and one API on a real port for all tests here; each has a school of its own."""

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.core.config import Settings
from app.core.db import Database
from app.main import create_app
from tests.browser.chromium import PROGRAM, Browser, start_browser
from tests.browser.web import Web, serve_web
from tests.school import SchoolClient, open_school


@pytest.fixture(scope="session")
def listener() -> Iterator[socket.socket]:
    """A free port: links in mail name it before anything is served there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture(scope="session")
def settings(settings: Settings, listener: socket.socket) -> Settings:
    """The settings, with links that a browser can follow."""
    return settings.model_copy(update={"public_url": f"http://127.0.0.1:{listener.getsockname()[1]}"})


@pytest.fixture(scope="session")
def served(settings: Settings, listener: socket.socket) -> Iterator[FastAPI]:
    """The API, served on the port; a server closes its socket when it ends, so one serves all."""
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)
    yield app
    server.should_exit = True
    thread.join()


@pytest.fixture
async def school(served: FastAPI, settings: Settings, database: Database) -> AsyncIterator[SchoolClient]:
    """A new school; its client speaks to the port."""
    async with (
        open_school(served, database) as made,
        httpx.AsyncClient(base_url=settings.public_url, headers=made.http.headers, trust_env=False) as http,
    ):
        yield SchoolClient(made.id, made.key, http)


@pytest.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Browser]:
    """The browser, where the machine has one."""
    if PROGRAM is None:
        pytest.skip("no Chromium on this machine")
    profile: Path = tmp_path_factory.mktemp("profile")
    async with start_browser(profile) as browser:
        yield browser


@pytest.fixture
def web() -> Iterator[Web]:
    """Other people's pages."""
    with serve_web() as web:
        yield web
