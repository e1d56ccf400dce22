"""What the embedded PostgreSQL and Redis have in common: a directory, a port, a password, a life."""

import secrets
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from app.embedded.access import make_temporary_directory
from app.embedded.account import CURRENT_ACCOUNT, Account
from app.embedded.command import Command
from app.embedded.errors import CommandFailedError, NotStartedError
from app.embedded.process import START_SECONDS, ServerProcess, launch_server

HOST = "127.0.0.1"

# Below the range systems hand out to clients (Linux from 32768, macOS from 49152). A port out of that
# range can be taken while the server is down, even by a client trying to reach it (a TCP self-connect).
_PORTS = range(15_000, 32_000)
_RETRY_SECONDS = 0.1
_LEAVE_SECONDS = 5.0

# Another server has the port, or the processes of a killed PostgreSQL have not all left yet.
_PASSING_TROUBLES = ("Address already in use", "is still in use")


class EmbeddedServer(ABC):
    """One server of our own on 127.0.0.1, at a free port it keeps, behind a random password.

    Without a directory it makes a temporary one, which `stop` removes. Not for use by several threads at
    once; usable as a context manager. Every method raises EmbeddedServerError.
    """

    _name: ClassVar[str]
    _stop_signals: ClassVar[Sequence[signal.Signals]]

    def __init__(self, directory: Path | None = None, *, account: Account = CURRENT_ACCOUNT) -> None:
        """Remember where; nothing is started or written yet."""
        self._is_temporary = directory is None
        self._directory = directory.absolute() if directory else None
        self._account = account
        self._port: int | None = None
        self._process: ServerProcess | None = None
        self._password = secrets.token_hex(16)

    @abstractmethod
    def _prepare(self) -> None:
        """Put into the directory what the server needs before its first start; harmless when repeated."""

    @abstractmethod
    def _command(self, port: int) -> Command:
        """Return the command that serves on this port."""

    @property
    def directory(self) -> Path:
        """Where the server keeps its files."""
        if self._directory is None:
            raise NotStartedError(self._name)
        return self._directory

    @property
    def log(self) -> Path:
        """What the server wrote, over all its starts."""
        return self.directory / "server.log"

    @property
    def port(self) -> int:
        """The TCP port, the same over every restart."""
        if self._port is None:
            raise NotStartedError(self._name)
        return self._port

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise NotStartedError(self._name)
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the server's process is there."""
        return self._process is not None and self._process.is_running()

    def start(self) -> None:
        """Start the server and return when it accepts clients; nothing to do when it runs already."""
        if self.is_running():
            return
        self._halt([])
        is_new = self._directory is None
        try:
            self._make_directory()
            self._prepare()
            self._launch()
        except BaseException:
            # What an earlier start left in the directory is not this one's to remove.
            if is_new:
                self._remove_temporary_directory()
            raise

    def stop(self) -> None:
        """Stop the server cleanly and remove a temporary directory; may be repeated."""
        self._halt(self._stop_signals)
        self._remove_temporary_directory()

    def kill(self) -> None:
        """Kill the server's process (SIGKILL), as a crash would; `start` brings it back on the same port."""
        self._halt([])

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _launch(self) -> None:
        # Binding is the only proof that a port is free, so the server itself tries; a new server goes on
        # to another port, a known one must have its own again and waits for it.
        deadline = time.monotonic() + START_SECONDS
        while True:
            port = self._port or secrets.choice(_PORTS)
            try:
                self._process = self._launch_on(port)
            except CommandFailedError as failed:
                passing = any(trouble in failed.output for trouble in _PASSING_TROUBLES)
                if not passing or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)
            else:
                self._port = port
                return

    def _launch_on(self, port: int) -> ServerProcess:
        return launch_server(
            self._command(port),
            log=self.log,
            stop_signals=self._stop_signals,
            doomed_directory=self.directory if self._is_temporary else None,
        )

    def _halt(self, signals: Sequence[signal.Signals]) -> None:
        if self._process is not None:
            self._process.stop(signals)
            self._process = None

    def _make_directory(self) -> None:
        if self._directory is None:
            self._directory = make_temporary_directory(f"campaigns-{self._name.lower()}-", self._account)
            return
        made = [path for path in (self._directory, *self._directory.parents) if not path.exists()]
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in made:
            self._account.take(path)

    def _remove_temporary_directory(self) -> None:
        if self._is_temporary and self._directory is not None:
            _remove_tree(self._directory)
            self._directory = None


def _remove_tree(directory: Path) -> None:
    """Remove a directory in which something killed just now may still write or remove a file."""
    deadline = time.monotonic() + _LEAVE_SECONDS
    while True:
        try:
            shutil.rmtree(directory)
        except FileNotFoundError:
            if not directory.exists():
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(_RETRY_SECONDS)
