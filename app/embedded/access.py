"""What another account can reach. Trying is the only full answer: modes, access lists, noexec, libraries."""

import tempfile
from pathlib import Path

from app.embedded.account import CURRENT_ACCOUNT, Account
from app.embedded.command import Command, run_command
from app.embedded.errors import EmbeddedServerError

# Where TMPDIR leads into a home closed to others, these do not; mkdtemp keeps what is made there private.
_SHARED_FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108


def may_run(account: Account, program: Path) -> bool:
    """Tell whether the account can start the program (which must know `--version`)."""
    return _succeeds(Command([program, "--version"], account=account))


def may_enter(account: Account, directory: Path) -> bool:
    """Tell whether the account can reach the directory: one closed parent is enough to be shut out."""
    return _succeeds(Command(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory], account=account))


def make_temporary_directory(prefix: str, account: Account) -> Path:
    """Make an empty directory that is the account's own, in the first temporary folder it can enter."""
    for folder in (tempfile.gettempdir(), *_SHARED_FOLDERS):
        if may_enter(account, Path(folder)):
            directory = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
            account.take(directory)
            return directory
    reason = f"user {account.uid} can enter no temporary folder: set TMPDIR to one that is open to it"
    raise EmbeddedServerError(reason)


def _succeeds(command: Command) -> bool:
    # What we can do ourselves needs no trial; whatever fails later says so in its own words.
    if command.account == CURRENT_ACCOUNT:
        return True
    try:
        run_command(command)
    except EmbeddedServerError:
        return False
    return True
