"""Every command there is, walked: help, an example that parses, and one line where something is missing."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app.cli import app, main
from app.core.config import load_settings
from tests.cli.commands import AWAY

NOBODY = "0190a0a0-0000-7000-8000-000000000000"
PLACEHOLDERS = re.compile(r"\b[A-Z]+_ID\b")
ROOT = typer.main.get_command(app)

Words = tuple[str, ...]


def walk(command: Any, path: Words = ()) -> Iterator[tuple[Words, Any]]:  # click's own types are not typer's
    """Yield every command, groups included."""
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from walk(each, (*path, name))


COMMANDS = dict(walk(ROOT))
LEAVES = {path for path, command in COMMANDS.items() if not hasattr(command, "commands")}


def name(path: Words) -> str:
    return " ".join(("campaigns", *path))


@pytest.mark.parametrize("path", COMMANDS, ids=name)
def test_help_has_an_example_that_can_be_typed(path: Words) -> None:
    command = COMMANDS[path]
    assert command.help, "says what it does"
    options = [each for each in command.params if each.param_type_name == "option"]
    assert [each.name for each in options if not each.help] == []
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert shown.exit_code == 0
    (example,) = re.findall(r"^Example: campaigns (.+)$", command.epilog or "", re.MULTILINE)
    assert "Example: campaigns" in shown.output
    words = shlex.split(PLACEHOLDERS.sub(NOBODY, example))
    target: Any = ROOT
    at = 0
    while at < len(words) and words[at] in getattr(target, "commands", {}):
        target, at = target.commands[words[at]], at + 1
    assert tuple(words[:at]) in LEAVES, "the example names a command"
    assert not path or tuple(words[: len(path)]) == path, "an example of this very command"
    target.make_context(target.name, words[at:])


GIVEN: dict[Words, list[str]] = {
    ("api-key", "create"): [NOBODY, "--name", "x"],
    ("api-key", "list"): [NOBODY],
    ("api-key", "revoke"): [NOBODY, NOBODY],
    ("import",): ["users", "nothing.csv", "--key", "k"],
    ("openapi",): ["--check", "--output", "nothing.json"],
    ("school", "create"): [
        *("--name", "Riverside", "--timezone", "Europe/Madrid", "--from-name", "Riverside"),
        *("--from-email", "news@riverside.example", "--postal-address", "1 River Street, Sevilla"),
    ],
}
"""What a command must be given to begin."""
STARTS_ALONE = {("demo",), ("simulator",)}
"""They need no service."""


@pytest.mark.parametrize("path", sorted(LEAVES - STARTS_ALONE), ids=name)
def test_what_is_missing_is_one_line(
    path: Words, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for variable, value in AWAY.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    # Loggers keep the stream they first wrote to, and this test's is closed when it ends.
    monkeypatch.setattr("app.core.logging.configure_logging", lambda: None)
    monkeypatch.setattr(sys, "argv", ["campaigns", *path, *GIVEN.get(path, [])])
    load_settings.cache_clear()
    try:
        with pytest.raises(SystemExit) as left:
            main()
    finally:
        load_settings.cache_clear()
    written = capsys.readouterr()
    assert left.value.code == 1
    assert "Traceback" not in written.out + written.err
    if path == ("doctor",):  # what is away is among its findings
        assert [line for line in written.out.splitlines() if line.startswith("wrong")]
        assert written.err == ""
    else:
        assert written.out == ""
        (line,) = written.err.splitlines()
        assert line.startswith("campaigns: ")
