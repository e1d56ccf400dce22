"""A whole deployment as a tree of real processes: services, simulator, API, workers. Tests use it too."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from app.core.migrations import migrate
from app.embedded import EmbeddedServices, start_services
from app.embedded.guard import Guard
from app.simulator.certificate import load_certificate
from app.simulator.settings import SimulatorSettings

READY_SECONDS = 30.0
STOP_SECONDS = 12.0
CONFIGURATION_SET = "campaigns"


class StackError(Exception):
    """A process did not come up; the message is one line."""


@dataclass(slots=True)
class Process:
    """One of our own processes, its log, and the guard that stops it should we die."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path
    guard: Guard

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to leave, and see that it does."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self.popen.wait()
        self.guard.dismiss()


@dataclass(slots=True)
class Stack:
    """Services, simulator, API and workers; `with Stack() as stack` starts them and leaves nothing behind."""

    api_port: int = 0
    workers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    simulator_rate: float = 1000.0
    durable: bool = True
    postgres_settings: Mapping[str, str] = field(default_factory=dict)
    directory: Path = field(init=False)
    services: EmbeddedServices = field(init=False)
    simulator_port: int = field(init=False)
    processes: list[Process] = field(init=False, default_factory=list)
    _resources: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> Self:
        """Start everything, in order; on a failure stop what was started."""
        try:
            self._start()
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, in reverse order."""
        self._resources.close()

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def simulator_url(self) -> str:
        """Where the simulator answers."""
        return f"http://127.0.0.1:{self.simulator_port}"

    def _start(self) -> None:
        self.api_port = self.api_port or find_free_port()
        self.simulator_port = find_free_port()
        self.services = start_services(durable=self.durable, postgres_settings=self.postgres_settings)
        self._resources.callback(self.services.stop)
        migrate(self.services.database_url)
        directory = self._resources.enter_context(
            tempfile.TemporaryDirectory(prefix="campaigns-", ignore_cleanup_errors=True)
        )
        self.directory = Path(directory)
        self.start_simulator()
        self.start_api()
        for _ in range(self.workers):
            self.start_worker()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process: what a deployment would set."""
        certificate = load_certificate(self.directory)
        sim = SimulatorSettings(certificate_dir=self.directory)
        url = f"https://sns.{sim.region}.amazonaws.com/{certificate.file_name}"
        return {
            **_inherited(),
            "CAMPAIGNS_DATABASE_URL": self.services.database_url,
            "CAMPAIGNS_REDIS_URL": self.services.redis_url,
            "CAMPAIGNS_PUBLIC_URL": self.api_url,
            "CAMPAIGNS_SECRET_KEYS": self._secret_key,
            "CAMPAIGNS_SES_CONFIGURATION_SET": CONFIGURATION_SET,
            "CAMPAIGNS_SNS_TOPIC_ARNS": sim.topic_arn,
            "CAMPAIGNS_SNS_PINNED_CERTS": f'{{"{url}": "{certificate.path}"}}',
            "AWS_ENDPOINT_URL_SESV2": self.simulator_url,
            "AWS_ENDPOINT_URL_SNS": self.simulator_url,
            "AWS_REGION": sim.region,
            "AWS_DEFAULT_REGION": sim.region,
            "AWS_ACCESS_KEY_ID": "simulator",
            "AWS_SECRET_ACCESS_KEY": "simulator",
            **self.settings,
        }

    @property
    def _secret_key(self) -> str:
        path = self.directory / "secret"
        if not path.exists():
            path.write_text(secrets.token_urlsafe(48))
        return path.read_text()

    def start_simulator(self) -> Process:
        """Start the SES and SNS simulator and wait until it answers."""
        process = self._spawn(
            "simulator",
            "--port",
            str(self.simulator_port),
            "--certificate-dir",
            str(self.directory),
            "--public-url",
            self.api_url,
            "--rate",
            str(self.simulator_rate),
        )
        self._wait_until_answering(process, f"{self.simulator_url}/_sim/health")
        return process

    def start_api(self) -> Process:
        """Start an API process and wait until it is ready."""
        process = self._spawn("api", "--port", str(self.api_port))
        self._wait_until_answering(process, f"{self.api_url}/readyz")
        return process

    def start_worker(self, *, module: str = "app.cli", arguments: Sequence[str] = ()) -> Process:
        """Start a worker; `module` is a stand-in for the command line, which takes the same command."""
        return self._spawn("worker", *arguments, module=module)

    def _spawn(self, command: str, *arguments: str, module: str = "app.cli") -> Process:
        log = self.directory / f"{command}-{len(self.processes)}.log"
        # Should we be killed, the simulator's guard also clears our directory away.
        guard = Guard(signal.SIGTERM, self.directory if command == "simulator" else None)
        with log.open("wb") as output:
            popen = subprocess.Popen(  # noqa: S603  # our own command
                [sys.executable, "-m", module, command, *arguments],
                env=self.environment,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        guard.watch(popen.pid)
        process = Process(command, popen, log, guard)
        self.processes.append(process)
        self._resources.callback(process.stop)
        return process

    def _wait_until_answering(self, process: Process, url: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.popen.poll() is not None:
                break
            try:
                # What answers may be another process on the same port, until ours says that it listens.
                says_it_listens = b" on http://" in process.log.read_bytes()
                if says_it_listens and httpx.get(url, timeout=2, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        last = process.log.read_text(errors="replace").strip().splitlines()[-1:] or ["no word from it"]
        reason = last[0].removeprefix("campaigns: ")
        raise StackError(f"The {process.name} did not come up: {reason}")


def find_free_port(preferred: int = 0) -> int:
    """Return the preferred port if it is free, else any free one."""
    for port in (preferred, 0):
        try:
            with socket.create_server(("127.0.0.1", port)) as listener:
                found: int = listener.getsockname()[1]
                return found
        except OSError:
            continue
    raise StackError("There is no free port on 127.0.0.1.")


def _inherited() -> dict[str, str]:
    """What our processes need of our own environment: no setting of ours, no AWS, no proxy leaks in."""
    return {name: value for name, value in os.environ.items() if name in _NEEDED}  # noqa: TID251


_NEEDED = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "SYSTEMROOT", "VIRTUAL_ENV"})
