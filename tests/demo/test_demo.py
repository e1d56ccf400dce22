"""`campaigns demo`: the whole story in one command, and nothing of it left behind, however it ends."""

import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.demo.stack import find_free_port
from tests.cli.commands import inherit, prepare
from tests.embedded.processes import is_alive, wait_until

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder of its own, which `nobody` (as whom root's PostgreSQL runs) may enter too."""
    with tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


@contextmanager
def start_demo(directory: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the demo with this temporary folder."""
    environment = inherit({"TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"})
    with subprocess.Popen(
        prepare("demo", *arguments, "--port", str(find_free_port())),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def list_descendants(pid: int) -> set[int]:
    """Return every process below this one."""
    found: set[int] = set()
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(status.parent.name)] = int(fields[1])
    grown = {pid}
    while grown:
        grown = {child for child, parent in parents.items() if parent in grown}
        found |= grown
    return found


def read_until(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Read what it prints up to the line with this."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if re.search(pattern, line):
            return seen
    raise AssertionError(f"it ended without {pattern!r}: {seen}")


def test_once_tells_the_story_and_leaves_nothing(folder: Path) -> None:
    with start_demo(folder, "--once", "--recipients", "200") as demo:
        output, errors = demo.communicate(timeout=150)
    assert (demo.returncode, errors) == (0, "")
    for bar in ("directory", "sent", "delivered", "bounced", "opened", "clicked"):
        assert re.search(rf"{bar} .*\d+/\d+", output)
    for column in ("Sent at", "Campaign name", "Type", "Recipients", "delivered", "Bounced"):
        assert column in output
    for card in ("Recipients", "Sent", "SES delivered", "Pending", "Opened", "Clicked"):
        assert re.search(rf"─ {card} ─", output)
    assert re.search(r"\d{4}-\d\d-\d\d +Summer courses", output)
    assert re.search(r"\d\d:\d\d CES?T +Marketing", output)
    assert re.search(r"Sent by +Marta Ruiz · Europe/Madrid", output)
    assert "Every number of the report is what the simulator knows it did." in output
    assert re.search(r"^API +http://127\.0\.0\.1:\d+/docs$", output, re.MULTILINE)
    assert re.search(r"^Report +http://127\.0\.0\.1:\d+/v1/campaigns/[0-9a-f-]{36}$", output, re.MULTILINE)
    report = output[output.index("\nCampaigns") : output.index("\nAPI ")]
    assert "…" not in report
    assert max(map(len, report.splitlines())) <= 80
    assert list(folder.iterdir()) == []


def test_demo_is_up_until_interrupted(folder: Path) -> None:
    with start_demo(folder, "--recipients", "20") as demo:
        output = read_until(demo, "Up until Ctrl-C")
        found = [re.search(rf"^{name} +(\S+)", output, re.MULTILINE) for name in ("Report", "API key")]
        url, key = (match[1] for match in found if match is not None)
        answer = httpx.get(url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
        assert answer.json()["status"] == "sent"
        family = list_descendants(demo.pid)
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate(timeout=40)
    assert (demo.returncode, errors) == (0, "")
    check_nothing_left(family, folder)


@pytest.mark.parametrize(
    ("reached", "how"),
    [
        ("redis-server", signal.SIGINT),
        ("app.cli api", signal.SIGTERM),
        ("app.cli worker", signal.SIGKILL),
    ],
)
def test_story_cut_short_leaves_nothing(folder: Path, reached: str, how: signal.Signals) -> None:
    """Also while it is still starting: at the first server, at the API, or with everything up."""

    def is_reached() -> bool:
        return any(reached in read_command(pid) for pid in list_descendants(demo.pid))

    with start_demo(folder, "--once", "--recipients", "20") as demo:
        wait_until(is_reached, seconds=60)
        family = list_descendants(demo.pid)
        demo.send_signal(how)
        _, errors = demo.communicate(timeout=40)
    assert demo.returncode == (-how if how is signal.SIGKILL else 130)
    assert "Traceback" not in errors
    wait_until(lambda: not any(map(is_alive, family)), seconds=30)
    check_nothing_left(family, folder)


def read_command(pid: int) -> str:
    """Return the command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def check_nothing_left(family: set[int], directory: Path) -> None:
    """Wait until every process is gone and the temporary folder empty."""
    wait_until(lambda: not any(map(is_alive, family)), seconds=20)
    wait_until(lambda: list(directory.iterdir()) == [], seconds=20)
