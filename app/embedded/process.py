"""A server's process: started, awaited until clients may come, stopped, never left behind."""

import re
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.embedded.command import Command, spawn
from app.embedded.errors import CommandFailedError, EmbeddedServerError, last_lines
from app.embedded.guard import Guard

START_SECONDS = 30.0
STOP_SECONDS = 20.0
_POLL_SECONDS = 0.01

# What PostgreSQL and Redis both log, in different letters, when the first client may come.
_READY = re.compile(r"ready to accept connections", re.IGNORECASE)


class ServerProcess:
    """A running server, and the guard that stops it should we vanish."""

    def __init__(self, process: subprocess.Popen[bytes], guard: Guard) -> None:
        """Take charge of a process; `launch_server` makes one."""
        self._process = process
        self._guard = guard

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the process is still there."""
        return self._process.poll() is None

    def stop(self, signals: Sequence[signal.Signals]) -> None:
        """Send each signal in turn, STOP_SECONDS apart, until the process is gone; SIGKILL comes last."""
        for number in signals:
            self._process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
                break
        self._process.kill()
        self._process.wait()
        self._guard.dismiss()


def launch_server(
    command: Command,
    *,
    log: Path,
    stop_signals: Sequence[signal.Signals],
    doomed_directory: Path | None,
) -> ServerProcess:
    """Start a server, its output appended to `log`, and return once it accepts clients.

    Should this process die, the server gets the first of `stop_signals` and `doomed_directory` is removed.
    Raises CommandFailedError when the server leaves, EmbeddedServerError when START_SECONDS are not enough.
    """
    guard = Guard(stop_signals[0], doomed_directory)
    written_before = log.stat().st_size if log.exists() else 0
    try:
        process = _spawn_logged(command, log)
    except BaseException:
        guard.dismiss()
        raise
    server = ServerProcess(process, guard)
    try:
        guard.watch(process.pid)
        _feed(process, command.stdin)
        _await_ready(server, command.name, log, written_before)
    except BaseException:
        # In order, even now: the processes of a killed PostgreSQL write and remove files for a while.
        server.stop(stop_signals)
        raise
    return server


def _spawn_logged(command: Command, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return spawn(command, output)


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin is not None
    # A server that has left already reads nothing; why it left is in its log.
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(text.encode())


def _await_ready(server: ServerProcess, name: str, log: Path, written_before: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        # Looked at before the log is read: what a server that is gone wrote is then all there.
        running = server.is_running()
        output = log.read_bytes()[written_before:].decode(errors="replace")
        if not running:
            raise CommandFailedError(name, output)
        if _READY.search(output):
            return
        if time.monotonic() > deadline:
            reason = f"{name} was not ready within {START_SECONDS:.0f} s: {last_lines(output)}"
            raise EmbeddedServerError(reason)
        time.sleep(_POLL_SECONDS)
