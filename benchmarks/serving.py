"""An HTTP server with any number of processes on one port, as a deployment would run it."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.demo.stack import Stack, find_free_port
from benchmarks.processes import find_api, read_cpu

ANSWER_SECONDS, CALM_SECONDS = 60.0, 0.5


@dataclass(frozen=True, slots=True)
class Server:
    """Where it answers, and the process that all its processes come from."""

    port: int
    process: int


@contextmanager
def serve_api(stack: Stack, processes: int) -> Iterator[Server]:
    """Give the stack's own API, or one of several processes beside it."""
    if processes == 1:
        yield Server(stack.api_port, find_api(stack))
        return
    arguments = ["app.cli", "api", "--workers", str(processes)]
    with run_server(arguments, stack.environment, stack.directory / "api.log") as server:
        yield server


@contextmanager
def run_server(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Run a module that takes `--port`, until every process of it has loaded; stop it in the end.

    Raises TimeoutError when it does not answer.
    """
    port = find_free_port()
    command = [sys.executable, "-m", *arguments, "--port", str(port)]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=dict(environment), stdout=output, stderr=output) as process,  # our own
    ):
        try:
            _wait_until_answering(process, port)
            _wait_until_calm(process.pid)
            yield Server(port, process.pid)
        finally:
            process.terminate()


def _wait_until_answering(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("no answer, or it ended")


def _wait_until_calm(process: int) -> None:
    """Wait until no process of it loads any more: the first to answer does not speak for the others."""
    deadline, before = time.monotonic() + ANSWER_SECONDS, -1.0
    while time.monotonic() < deadline and (now := read_cpu(process)) - before > CALM_SECONDS / 10:
        before = now
        time.sleep(CALM_SECONDS)
