"""One PostgreSQL for the tests that leave it running, and directories it can enter when we are root."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running server; whoever stops it starts it again."""
    with EmbeddedPostgres(durable=False, settings={"work_mem": "5MB"}) as server:
        yield server


@pytest.fixture
def open_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory everybody may enter (pytest's are closed); temporary ones are made inside it."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield directory
