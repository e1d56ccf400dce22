"""`campaigns import`: a file sent by hand, its outcome shown, its failures told in one line."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core.config import Settings
from tests.api_process import serve_api
from tests.cli.commands import call, read_complaint, run
from tests.directory.imports.files import read_users, to_ndjson, user
from tests.school import SchoolClient


@pytest.fixture(scope="module")
async def api_url(settings: Settings, anyio_backend: str) -> AsyncIterator[str]:
    """A process of the API."""
    async with serve_api(settings) as url:
        yield url


async def test_a_file_is_imported_and_its_outcome_told(
    api_url: str, school: SchoolClient, tmp_path: Path
) -> None:
    file = tmp_path / "users.csv"
    file.write_text("external_id,email\nu1,a@school.example\nu2,b@school.example\n")
    environment = {"CAMPAIGNS_PUBLIC_URL": api_url, "CAMPAIGNS_API_KEY": school.key}
    good = await asyncio.to_thread(run, "import", "users", str(file), environment=environment)
    assert good.returncode == 0, good.stderr
    assert good.stdout == ("users: 2 rows read, 2 stored (2 created, 0 updated, 0 unchanged), 0 rejected.\n")
    assert set(await read_users(school)) == {"u1", "u2"}

    lines = tmp_path / "users.ndjson"
    lines.write_bytes(to_ndjson(user(3), user(4, status="gone"), user(5, email="no-address")))
    command = ("import", "users", str(lines), "--api", api_url, "--key", school.key)
    bad = call(*command)
    assert bad.returncode == 1
    assert "3 rows read, 1 stored" in bad.stdout
    assert "email" in bad.stdout
    assert "status" in bad.stdout
    assert "no-address" not in bad.stdout


async def test_what_stands_in_the_way_is_one_line(api_url: str, school: SchoolClient, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("external_id,nickname\nu1,Ann\n")
    good = ("--api", api_url, "--key", school.key)
    absent = str(tmp_path / "absent.csv")
    for arguments, words in [
        (("users", str(file), *good), ("/header/nickname", "/header/email is missing")),
        (("pupils", str(file), *good), ("/resource", "memberships")),
        (("users", absent, *good), (absent, "No such file")),
        (("users", str(tmp_path / "users.xlsx"), *good), (".ndjson",)),
        (("users", str(file), "--api", api_url, "--key", "nothing"), ("valid credential",)),
        (("users", str(file), "--api", api_url), ("CAMPAIGNS_API_KEY",)),
        (("users", str(file), "--api", "http://127.0.0.1:1", "--key", "k"), ("cannot be reached",)),
        (("users", str(file), "--api", "nowhere", "--key", "k"), ("cannot be reached",)),
    ]:
        line = read_complaint("import", *arguments)
        assert all(word in line for word in words), line
