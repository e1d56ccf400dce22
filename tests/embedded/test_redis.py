"""The embedded Redis: commands, password, port kept over a crash, nothing on disk, nothing left."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.embedded import EmbeddedRedis, EmbeddedServerError, server
from tests.embedded.processes import is_alive, is_port_open, read_arguments, wait_until


@pytest.fixture
def embedded() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


def test_answers_in_the_database_asked_for(embedded: EmbeddedRedis) -> None:
    with redis.Redis.from_url(embedded.url(3)) as client, redis.Redis.from_url(embedded.url()) as other:
        client.set("course", "pottery")

        assert client.get("course") == b"pottery"
        assert other.get("course") is None


def test_keeps_nothing_on_disk(embedded: EmbeddedRedis) -> None:
    with redis.Redis.from_url(embedded.url()) as client:
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.config_get("dir") == {"dir": str(embedded.directory.resolve())}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_refuses_who_does_not_know_the_password(embedded: EmbeddedRedis) -> None:
    password = embedded.url().split(":")[2].split("@")[0]
    assert password not in read_arguments(embedded.pid)

    with (
        redis.Redis(port=embedded.port, password="guess") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_two_run_at_once(embedded: EmbeddedRedis) -> None:
    with EmbeddedRedis() as other:
        assert other.port != embedded.port
        assert other.url() != embedded.url()


def test_kill_loses_the_data_and_keeps_the_port(embedded: EmbeddedRedis) -> None:
    url, pid = embedded.url(), embedded.pid
    with redis.Redis.from_url(url) as client:
        client.set("course", "pottery")
    embedded.kill()
    assert not is_alive(pid)

    embedded.start()

    assert embedded.url() == url
    with redis.Redis.from_url(url) as client:
        assert client.get("course") is None


def test_start_is_harmless_while_it_runs(embedded: EmbeddedRedis) -> None:
    pid = embedded.pid

    embedded.start()

    assert embedded.pid == pid


def test_stop_leaves_nothing(open_directory: Path) -> None:
    embedded = EmbeddedRedis()
    embedded.start()
    pid, port = embedded.pid, embedded.port

    embedded.stop()
    embedded.stop()

    assert not is_alive(pid)
    assert not is_port_open(port)
    assert list(open_directory.iterdir()) == []


def test_directory_of_the_caller_stays(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "redis") as embedded:
        assert "Ready to accept connections" in embedded.log.read_text()

    assert (tmp_path / "redis" / "server.log").exists()


def test_new_server_goes_on_to_another_port_when_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupant, EmbeddedRedis() as scout:
        taken, free = occupant.getsockname()[1], scout.port
        scout.stop()
        monkeypatch.setattr(server, "_PORTS", (taken, taken, taken, free))

        with EmbeddedRedis() as embedded:
            assert embedded.port == free


def test_known_server_waits_for_its_own_port(tmp_path: Path) -> None:
    embedded = EmbeddedRedis(tmp_path)
    embedded.start()
    port = embedded.port
    embedded.stop()
    start = threading.Thread(target=embedded.start)

    with socket.create_server(("127.0.0.1", port)):
        start.start()
        wait_until(lambda: "Address already in use" in embedded.log.read_text())
    start.join()

    assert embedded.is_running()
    assert embedded.port == port
    embedded.stop()


def test_asking_before_the_start_says_so() -> None:
    with pytest.raises(EmbeddedServerError, match="Redis has not been started"):
        EmbeddedRedis().url()
