"""The control API, what is kept, and how the server starts."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from app.simulator.settings import SimulatorSettings
from tests.simulator.calls import make_call, make_entry
from tests.simulator.conftest import StartSimulator, open_ses

pytestmark = pytest.mark.anyio


async def test_settings_change_and_are_restored(
    simulator: SimulatorClient, settings: SimulatorSettings
) -> None:
    changed = await simulator.change_settings(sending={"max_send_rate": 7}, behaviour={"opened": 0.5})
    assert (changed.sending.max_send_rate, changed.behaviour.opened) == (7, 0.5)
    assert changed.behaviour.clicked == settings.behaviour.clicked
    assert await simulator.get_settings() == changed
    await simulator.reset()
    assert await simulator.get_settings() == settings


@pytest.mark.parametrize(
    "changes",
    [
        {"port": 1},
        {"behaviour": {"opened": 2}},
        {"behaviour": {"opend": 0.1}},
        {"sns": {"signature_version": 3}},
    ],
)
async def test_settings_refuse_what_cannot_be(simulator_url: str, changes: dict[str, Any]) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.patch(f"{simulator_url}/_sim/settings", json=changes)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", b'[{"kind": "unknown"}]', 422),
        ("POST", "faults", b"{", 400),
        ("GET", "mail?limit=many", b"", 422),
        ("GET", "unknown", b"", 404),
    ],
)
async def test_bad_control_calls_are_refused(
    simulator_url: str, method: str, path: str, body: bytes, status: int
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, f"{simulator_url}/_sim/{path}", content=body)
    assert answer.status_code == status


async def test_reset_forgets_mail_ledger_faults_and_rate(ses: Any, simulator: SimulatorClient) -> None:
    await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
    await simulator.add_faults(FaultRule(FaultKind.THROTTLE_429))
    await simulator.reset()
    assert await simulator.list_mail() == []
    assert await simulator.list_rate() == []
    assert (await simulator.get_ledger()).totals.accepted == 0
    await ses.get_account()


async def test_struck_rules_are_listed(ses: Any, simulator_url: str, simulator: SimulatorClient) -> None:
    await simulator.add_faults(FaultRule(FaultKind.SLOW, seconds=0))
    await ses.get_account()
    async with httpx.AsyncClient(trust_env=False) as http:
        [listed] = (await http.get(f"{simulator_url}/_sim/faults")).json()
    assert (listed["rule"]["kind"], listed["struck"]) == ("slow", 1)


async def test_only_the_newest_mail_is_kept(start_simulator: StartSimulator) -> None:
    url = start_simulator(keep_limit=2)
    async with open_ses(url) as ses, SimulatorClient(url) as simulator:
        await ses.send_bulk_email(**make_call(*[make_entry(f"p{n}@example.com", n) for n in range(5)]))
        assert [mail.address for mail in await simulator.list_mail()] == ["p4@example.com", "p3@example.com"]
        assert (await simulator.get_ledger()).totals.accepted == 5


async def test_addresses_alone_may_be_kept(start_simulator: StartSimulator) -> None:
    url = start_simulator(keep="addresses")
    async with open_ses(url) as ses, SimulatorClient(url) as simulator:
        await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
        async with httpx.AsyncClient(trust_env=False) as http:
            [item] = (await http.get(f"{url}/_sim/mail")).json()["items"]
        assert item["address"] == "a@example.com"
        report = await simulator.get_ledger("campaign-1", recipients=1)
        assert (report.totals.recipients, report.recipients[0].message_ids) == (1, ())


async def test_nothing_but_totals_may_be_kept(start_simulator: StartSimulator) -> None:
    url = start_simulator(keep="none")
    async with open_ses(url) as ses, SimulatorClient(url) as simulator:
        await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
        report = await simulator.get_ledger("campaign-1", recipients=1)
    assert (report.totals.accepted, report.totals.recipients, report.recipients) == (1, 0, ())


async def test_health_tells_a_running_simulator_from_none(simulator: SimulatorClient) -> None:
    assert await simulator.check_health()
    async with SimulatorClient("http://127.0.0.1:9") as nothing:
        assert not await nothing.check_health()


def _start_process(certificate_dir: Path, port: int) -> subprocess.Popen[str]:
    code = (
        "from pathlib import Path\n"
        "from app.simulator.server import run\n"
        "from app.simulator.settings import SimulatorSettings\n"
        f"run(SimulatorSettings(certificate_dir=Path({str(certificate_dir)!r}), port={port}))\n"
    )
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe, text=True)


def test_a_port_in_use_is_one_clear_line(certificate_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _start_process(certificate_dir, port) as process:
            _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert error == f"127.0.0.1:{port} is already in use: choose another port with --port.\n"


def test_run_tells_where_it_listens_and_leaves_on_sigterm(certificate_dir: Path) -> None:
    with _start_process(certificate_dir, 0) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.split(" on ")[1].split(",")[0]
        answer = httpx.get(f"{url}/_sim/health", trust_env=False)
        process.terminate()
        process.communicate(timeout=30)
    assert answer.json() == {"status": "ok"}
    assert str(certificate_dir) in line
