"""Programs run as another account, in their own session, with nothing of our environment."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.embedded.account import CURRENT_ACCOUNT, Account
from app.embedded.errors import CommandFailedError, EmbeddedServerError

_SECONDS = 60.0

# PGDATA, PGPORT, TZ and the like must not reach the servers; LC_ALL keeps their messages in English.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run in `directory`: what it reads, as whom, and what is added to its environment.

    Secrets belong in `stdin` or `environment`: arguments are public in the process table.
    """

    argv: Sequence[str | Path]
    directory: Path = Path("/")
    stdin: str = ""
    account: Account = CURRENT_ACCOUNT
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The program's name, for messages."""
        return Path(self.argv[0]).name


def spawn(command: Command, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the program, its standard output and error going to `output`; its input is left to the caller.

    Raises EmbeddedServerError when it cannot be executed at all.
    """
    try:
        return subprocess.Popen(  # noqa: S603 - the programs are those of our own wheels
            command.argv,
            cwd=command.directory,
            env={**_ENVIRONMENT, **command.environment},
            user=command.account.uid,
            group=command.account.gid,
            extra_groups=command.account.groups,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A terminal's Ctrl-C goes to the session of its shell; only we stop our servers, and in order.
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"{command.name} could not be run: {error}"
        raise EmbeddedServerError(reason) from error


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and whatever it started itself, unless it has ended."""
    # initdb has a PostgreSQL of its own, which would go on writing for a while after it.
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def run_command(command: Command) -> None:
    """Run the program to its end; raise EmbeddedServerError unless it succeeds within a minute."""
    with spawn(command, subprocess.PIPE) as process:
        try:
            output, _ = process.communicate(command.stdin.encode(), timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            reason = f"{command.name} took more than {_SECONDS:.0f} s"
            raise EmbeddedServerError(reason) from error
        finally:
            kill_session(process)
    if process.returncode != 0:
        raise CommandFailedError(command.name, output.decode(errors="replace"))
