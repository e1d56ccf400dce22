"""Whatever stands in the way is one clear line and a non-zero exit, never a traceback."""

import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy.exc import DBAPIError

from app.cli.failures import explain
from app.core.config import Settings
from app.core.db import Database
from tests.cli.commands import AWAY, call, check_complaint, make_environment, read_complaint, run
from tests.given import make_own_database

SCHOOL = {
    "--name": "Riverside",
    "--timezone": "Europe/Madrid",
    "--from-name": "Riverside",
    "--from-email": "news@riverside.example",
    "--postal-address": "1 River Street, Sevilla",
}
NOBODY = "0190a0a0-0000-7000-8000-000000000000"


class Execute(Protocol):
    """`run` or `call`."""

    def __call__(self, *arguments: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""


def create_school(**changes: str) -> list[str]:
    values = SCHOOL | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return ["school", "create", *(word for pair in values.items() for word in pair)]


def test_missing_settings_are_all_named() -> None:
    for command in ("api", "worker", "migrate"):
        line = read_complaint(command)
        for name in AWAY:
            assert f"{name}: is not set" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAMPAIGNS_DATABASE_URL", "mysql://here"),
        ("CAMPAIGNS_REDIS_URL", "here"),
        ("CAMPAIGNS_PUBLIC_URL", "nowhere"),
        ("CAMPAIGNS_SECRET_KEYS", "short"),
        ("CAMPAIGNS_SES_MAX_SEND_RATE", "-1"),
        ("CAMPAIGNS_SNS_PINNED_CERTS", "not JSON"),
        ("CAMPAIGNS_LEASE_SECONDS", "soon"),
    ],
)
def test_wrong_setting_is_named(name: str, value: str) -> None:
    line = read_complaint("worker", environment=AWAY | {name: value})
    assert f"{name}: " in line
    assert [other for other in AWAY if other != name and other in line] == []
    assert "Value error" not in line


@pytest.mark.parametrize(
    ("execute", "command"),
    [
        (run, ("api", "--port", "0")),
        (run, ("worker",)),
        (run, ("migrate",)),
        (call, ("api-key", "list", NOBODY)),
        (call, create_school()),
    ],
)
def test_database_away(execute: Execute, command: tuple[str, ...]) -> None:
    line = check_complaint(execute(*command, environment=AWAY))
    assert "CAMPAIGNS_DATABASE_URL cannot be reached" in line


def test_database_refuses(settings: Settings) -> None:
    good = make_environment(settings)
    url = settings.database_url
    for wrong in (re.sub(r":[^:@/]+@", ":wrong@", url), re.sub(r"/[^/]*$", "/nothing", url)):
        line = read_complaint("migrate", environment=good | {"CAMPAIGNS_DATABASE_URL": wrong})
        assert "CAMPAIGNS_DATABASE_URL refuses us" in line
        assert "wrong@" not in line


def test_migrations_missing_then_made(settings: Settings) -> None:
    empty = make_own_database(settings.database_url, "empty")
    environment = AWAY | {"CAMPAIGNS_DATABASE_URL": empty}
    serve = run("api", "--port", "0", environment=environment)
    create = call(*create_school(), environment=environment)
    for ended in (serve, create):
        assert "campaigns migrate" in check_complaint(ended)
    for execute in (run, call):
        ended = execute("migrate", environment=environment)
        assert (ended.returncode, ended.stdout) == (0, "The database is up to date.\n")
    assert call(*create_school(), environment=environment).returncode == 0


def test_port_in_use(settings: Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = read_complaint("api", "--port", port, environment=make_environment(settings))
        assert f"127.0.0.1:{port}" in line
        assert port in read_complaint("demo", "--once", "--port", port)
        ended = run("simulator", "--port", port, "--certificate-dir", str(tmp_path))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert f"127.0.0.1:{port} is already in use" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    line = read_complaint("simulator", "--certificate-dir", str(blocked / "sns"))
    assert f"{blocked / 'sns'}: Not a directory" in line


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("timezone", "Mars/Olympus"),
        ("from_email", "nobody"),
        ("name", ""),
        ("from_name", "two\nlines"),
        ("postal_address", ""),
    ],
)
async def test_bad_values_of_a_school(
    settings: Settings, empty_database: Database, option: str, value: str
) -> None:
    line = read_complaint(*create_school(**{option: value}), environment=make_environment(settings))
    assert line.count("--") == 1
    assert f"--{option.replace('_', '-')}: " in line
    assert "Value error" not in line
    async with empty_database.connection() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM schools")).scalar() == 0


@pytest.mark.parametrize(
    "command",
    [
        ("nonsense",),
        ("api-key", "list", "not-an-id"),
        ("api-key", "create", NOBODY, "--name", "x", "--scope", "everything"),
        ("school", "create", "--name", "x"),
        ("demo", "--recipients", "1"),
        ("api", "--workers", "0"),
    ],
)
def test_wrong_usage(command: tuple[str, ...]) -> None:
    ended = call(*command, environment=AWAY)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Usage: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_openapi_drift(tmp_path: Path) -> None:
    assert "does not exist" in read_complaint("openapi", "--check", cwd=tmp_path)
    document = tmp_path / "openapi" / "openapi.json"
    document.parent.mkdir()
    document.write_text(run("openapi").stdout)
    assert call("openapi", "--check", cwd=tmp_path).returncode == 0
    document.write_text(document.read_text().replace("send_message", "send_mail"))
    assert "has drifted" in read_complaint("openapi", "--check", cwd=tmp_path)


async def test_a_database_busy_with_other_work(settings: Settings, database: Database) -> None:
    async with database.connection() as connection:
        await connection.exec_driver_sql("LOCK TABLE configuration_sets")
        with pytest.raises(DBAPIError) as caught:
            await read_soon(database)
    assert "run it again" in (explain(caught.value) or "")


async def read_soon(database: Database) -> None:
    async with database.connection() as connection:
        await connection.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
        await connection.exec_driver_sql("SELECT FROM configuration_sets")
