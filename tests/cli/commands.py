"""Running `campaigns …`: its words and its exit code, from a process of its own or from this one."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

from app.cli import main
from app.core.config import Settings, load_settings

NEEDED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
KEY = "a-key-for-tests-0123456789-abcdefgh"
AWAY = {
    "CAMPAIGNS_DATABASE_URL": "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/campaigns",
    "CAMPAIGNS_REDIS_URL": "redis://127.0.0.1:1",
    "CAMPAIGNS_PUBLIC_URL": "http://campaigns.example",
    "CAMPAIGNS_SECRET_KEYS": KEY,
}
"""Good settings whose services are not there."""


def make_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that give a process these services."""
    return AWAY | {
        "CAMPAIGNS_DATABASE_URL": settings.database_url,
        "CAMPAIGNS_REDIS_URL": settings.redis_url,
    }


def prepare(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


def inherit(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a clean environment with these variables, 80 columns wide."""
    mine = {name: os.environ[name] for name in NEEDED if name in os.environ}
    root = Path(__file__).resolve().parents[2]
    return {**mine, "COLUMNS": "80", "PYTHONPATH": str(root), **environment}


def run(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 60,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, as a person does."""
    return subprocess.run(
        prepare(*arguments),
        env=inherit(environment or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def call(
    *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end as `run` does, but in this process: most of a process is loading.

    Not for what serves. How this process logs stays as it is: loggers keep the stream they first wrote to.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, inherit(environment or {}), clear=True),
        patch.object(sys, "argv", ["campaigns", *arguments]),
        patch("app.core.logging.configure_logging"),
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        ThreadPoolExecutor(1) as aside,  # a command has an event loop of its own
    ):
        code = aside.submit(_call_main).result()
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def _call_main() -> int:
    load_settings.cache_clear()
    try:
        main()
    except SystemExit as left:
        return int(left.code or 0)
    finally:
        load_settings.cache_clear()
    raise AssertionError("a command leaves with a code")


def read_complaint(
    *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Call a command that must fail with one clear line; return the line."""
    return check_complaint(call(*arguments, environment=environment, cwd=cwd))


def check_complaint(ended: "subprocess.CompletedProcess[str]") -> str:
    """Return the one clear line a command failed with."""
    assert ended.returncode == 1, (ended.stdout, ended.stderr)
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("campaigns: ")
    return line
