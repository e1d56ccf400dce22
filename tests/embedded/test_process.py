"""Programs that misbehave: absent, too slow to start, deaf to signals, never done."""

import signal
from pathlib import Path

import pytest

from app.embedded import EmbeddedServerError, command, process
from app.embedded.command import Command, run_command
from app.embedded.process import ServerProcess, launch_server
from tests.embedded.processes import is_alive

_SHELL = "/bin/sh"
_READY = "echo ready to accept connections"


def _launch(script: str, directory: Path) -> ServerProcess:
    return launch_server(
        Command([_SHELL, "-c", script], directory),
        log=directory / "server.log",
        stop_signals=[signal.SIGTERM],
        doomed_directory=None,
    )


def test_server_deaf_to_signals_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.2)
    server = _launch(f"trap '' TERM; {_READY}; while :; do sleep 0.1; done", tmp_path)

    server.stop([signal.SIGTERM])

    assert not is_alive(server.pid)


def test_server_that_is_never_ready_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_SECONDS", 0.2)

    with pytest.raises(EmbeddedServerError, match=r"not ready within .* still loading"):
        _launch("echo $$ > pid; echo still loading; exec sleep 60", tmp_path)

    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_readiness_of_an_earlier_start_does_not_count(tmp_path: Path) -> None:
    _launch(f"{_READY}; exec sleep 60", tmp_path).stop([signal.SIGTERM])

    with pytest.raises(EmbeddedServerError, match=r"failed: one \| two \| three$"):
        _launch("for word in zero one two three; do echo $word; done; exit 1", tmp_path)


def test_server_that_does_not_exist_cannot_be_run(tmp_path: Path) -> None:
    absent = Command([tmp_path / "absent"], tmp_path)

    with pytest.raises(EmbeddedServerError, match="absent could not be run"):
        launch_server(absent, log=tmp_path / "log", stop_signals=[signal.SIGTERM], doomed_directory=None)


def test_command_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_SECONDS", 0.2)

    with pytest.raises(EmbeddedServerError, match="sh took more than"):
        run_command(Command([_SHELL, "-c", "echo $$ > pid; exec sleep 60"], tmp_path))

    assert not is_alive(int((tmp_path / "pid").read_text()))
