"""Running `campaigns …` as a person does: a process of its own, its words and its exit code."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from app.core.config import Settings

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
    """Run a command to its end."""
    return subprocess.run(
        prepare(*arguments),
        env=inherit(environment or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def read_complaint(
    *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Run a command that must fail with one clear line; return the line."""
    ended = run(*arguments, environment=environment, cwd=cwd)
    assert ended.returncode == 1, (ended.stdout, ended.stderr)
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("campaigns: ")
    return line
