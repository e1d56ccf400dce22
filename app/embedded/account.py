"""Whom a server runs as: PostgreSQL refuses to be root, so root hands it to an unprivileged account."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedServerError


@dataclass(frozen=True, slots=True)
class Account:
    """A system account, as the `user`, `group` and `extra_groups` of `subprocess`; all None: who we are."""

    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] | None = None

    def take(self, path: Path) -> None:
        """Make this account the owner of one file or directory (a link itself, not what it points to)."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


CURRENT_ACCOUNT = Account()


def choose_postgres_account() -> Account:
    """Return `nobody` for root, ourselves for anybody else.

    Raises EmbeddedServerError when there is no user `nobody` for root to turn to.
    """
    if os.geteuid() != 0:
        return CURRENT_ACCOUNT
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedServerError(
            "PostgreSQL refuses to run as root, and there is no user `nobody`"
        ) from None
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, groups=())
