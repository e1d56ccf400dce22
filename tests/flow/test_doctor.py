"""`campaigns doctor` beside a deployment at work: a worker lives, and a recount proves the counters."""

import subprocess

from tests.cli.commands import prepare
from tests.flow.deployment import Deployment, run_blocking
from tests.school import SchoolClient
from tests.waiting import eventually


async def test_a_deployment_at_work_is_examined(deployment: Deployment, school: SchoolClient) -> None:
    await school.push_users(60, marketing="subscribed")
    campaign = await school.send()
    await deployment.wait(school, campaign["id"], sent=1)  # the recount runs beside the sending

    async def examine() -> list[str]:
        ended: subprocess.CompletedProcess[str] = await run_blocking(_run_doctor, deployment)
        assert ended.returncode in {0, 1}
        assert ended.stderr == ""
        return [line for line in ended.stdout.splitlines() if not line.startswith(" ")]

    lines = await eventually(
        examine, lambda seen: any(line.startswith("ok    workers: at least one lives") for line in seen)
    )
    (counters,) = (line for line in lines if "counters" in line)
    assert counters.startswith("ok    counters: equal a recount of the recipients in all ")
    assert not [line for line in lines if line.startswith("wrong") and "leases" in line]
    await deployment.rest(school, campaign["id"])


def _run_doctor(deployment: Deployment) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        prepare("doctor"),
        env={**deployment.stack.environment, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
