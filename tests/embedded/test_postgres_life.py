"""The embedded PostgreSQL started, restarted, killed and stopped: what stays, and that nothing is left."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from app.embedded import EmbeddedPostgres, EmbeddedServerError
from tests.embedded.processes import is_alive, is_port_open, wait_until
from tests.embedded.queries import run_sql

_START_AND_WAIT = """
import signal
from app.embedded import EmbeddedPostgres
print("now", flush=True)
with EmbeddedPostgres(durable=False):
    signal.pause()
"""
_SHARED_MEMORY = Path("/proc/sysvipc/shm")


def _shared_memory_id(postgres: EmbeddedPostgres) -> str:
    # The seventh line of postmaster.pid: key and id of the segment (PostgreSQL, pidfile.h).
    return (postgres.directory / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]


def _shared_memory_ids() -> set[str]:
    return {line.split()[1] for line in _SHARED_MEMORY.read_text().splitlines()[1:]}


def test_two_run_at_once_and_know_nothing_of_each_other(postgres: EmbeddedPostgres) -> None:
    run_sql(postgres.url(), "CREATE TABLE mine ()", "SELECT 1")

    with EmbeddedPostgres(durable=False) as other:
        assert other.port != postgres.port
        assert run_sql(other.url(), "SELECT to_regclass('mine')") is None
        pid, port, directory = other.pid, other.port, other.directory

    assert not is_alive(pid)
    assert not is_port_open(port)
    assert not directory.exists()
    assert run_sql(postgres.url(), "SELECT to_regclass('mine')") == "mine"


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.4, 0.6])
def test_a_start_cut_short_leaves_nothing(seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="cut-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        with subprocess.Popen(
            [sys.executable, "-c", _START_AND_WAIT],
            env=os.environ | {"TMPDIR": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as starting:
            assert starting.stdout is not None
            starting.stdout.readline()
            time.sleep(seconds)
            starting.send_signal(signal.SIGINT)
            _, errors = starting.communicate(timeout=30)
        assert errors.strip().splitlines()[-1] == "KeyboardInterrupt"
        assert list(Path(folder).iterdir()) == []


def test_immediate_restart_and_kill_keep_data_and_port(postgres: EmbeddedPostgres) -> None:
    url, pid = postgres.url(), postgres.pid
    run_sql(url, "CREATE TABLE kept AS SELECT 42 AS answer", "SELECT 1")

    postgres.restart(immediate=True)
    assert postgres.url() == url
    assert postgres.pid != pid
    assert run_sql(url, "SELECT answer FROM kept") == 42

    postgres.kill()
    assert not is_port_open(postgres.port)
    postgres.start()
    assert run_sql(url, "SELECT answer FROM kept") == 42


def test_restart_without_haste_shuts_down_in_order(postgres: EmbeddedPostgres) -> None:
    postgres.restart(immediate=False)

    last_shutdown = postgres.log.read_text().split("received ")[-1]
    assert last_shutdown.startswith("fast shutdown request")
    assert "database system was shut down at" in last_shutdown


def test_killed_from_outside_it_is_seen_gone_and_starts_again(postgres: EmbeddedPostgres) -> None:
    os.kill(postgres.pid, signal.SIGKILL)
    wait_until(lambda: not postgres.is_running())

    postgres.start()

    assert run_sql(postgres.url(), "SELECT 1") == 1


def test_outlives_the_thread_that_started_it(postgres: EmbeddedPostgres) -> None:
    postgres.kill()
    thread = threading.Thread(target=postgres.start)
    thread.start()
    thread.join()

    assert run_sql(postgres.url(), "SELECT 1") == 1


def test_signals_of_a_terminal_do_not_reach_it(postgres: EmbeddedPostgres) -> None:
    assert os.getsid(postgres.pid) != os.getsid(0)


@pytest.mark.skipif(not _SHARED_MEMORY.exists(), reason="only Linux lists its shared memory in /proc")
def test_stop_after_a_kill_takes_the_shared_memory_along(open_directory: Path) -> None:
    postgres = EmbeddedPostgres(durable=False)
    postgres.start()
    segment = _shared_memory_id(postgres)
    postgres.kill()
    assert segment in _shared_memory_ids()

    postgres.stop()

    assert segment not in _shared_memory_ids()
    assert list(open_directory.iterdir()) == []


def test_directory_of_the_caller_outlives_a_stop_and_a_wrong_setting(open_directory: Path) -> None:
    directory = open_directory / "a rather long name, with spaces, for a directory of servers" / ("x" * 60)
    with EmbeddedPostgres(directory, durable=False) as postgres:
        run_sql(postgres.url(), "CREATE TABLE kept AS SELECT 42 AS answer", "SELECT 1")
    assert directory.exists()

    with pytest.raises(EmbeddedServerError, match="max_connections") as refused:
        EmbeddedPostgres(directory, settings={"max_connections": "many"}).start()
    assert "\n" not in str(refused.value)

    with EmbeddedPostgres(directory, durable=False) as again:
        assert run_sql(again.url(), "SELECT answer FROM kept") == 42


def test_foreign_data_is_neither_opened_nor_touched(open_directory: Path) -> None:
    treasure = open_directory / "data" / "treasure"
    treasure.parent.mkdir()
    treasure.write_text("gold")

    with pytest.raises(EmbeddedServerError, match="was not made here"):
        EmbeddedPostgres(open_directory).start()

    assert treasure.read_text() == "gold"


def test_asking_before_the_start_says_so() -> None:
    postgres = EmbeddedPostgres()

    asks = (postgres.url, lambda: postgres.pid, lambda: postgres.log, lambda: postgres.drop_database("x"))
    for ask in asks:
        with pytest.raises(EmbeddedServerError, match="PostgreSQL has not been started"):
            ask()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_directory_closed_to_the_server_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    with pytest.raises(EmbeddedServerError, match="cannot be entered by user"):
        EmbeddedPostgres(tmp_path).start()

    assert tmp_path.stat().st_mode & 0o777 == 0o700
