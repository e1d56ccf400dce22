"""`Dockerfile` and `compose.yaml`: what they copy is there, what they run exists, so are settings."""

import fnmatch
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from app.cli import app
from app.core.config import Settings
from app.mail.topics import is_certificate_url

ROOT = Path(__file__).resolve().parents[2]
CLI: Any = typer.main.get_command(app)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name for name, service in SERVICES.items() if "build" in service}
GIVEN = {"CAMPAIGNS_SECRET_KEYS": "a-key-for-tests-0123456789-abcdefgh"}
OF_BOTOCORE = {
    "AWS_ENDPOINT_URL_SESV2",
    "AWS_ENDPOINT_URL_SNS",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
}


def read_instructions() -> Iterator[tuple[str, str]]:
    """Yield each instruction of the Dockerfile with its arguments on one line."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


INSTRUCTIONS = list(read_instructions())


def check_command(words: list[str]) -> None:
    """Assert that `campaigns …` parses."""
    assert words[0] == "campaigns"
    target, rest = CLI, words[1:]
    while rest and rest[0] in getattr(target, "commands", {}):
        target, rest = target.commands[rest[0]], rest[1:]
    assert not hasattr(target, "commands"), words
    target.make_context(target.name, rest)


def resolve(value: str) -> str:
    """Put the variables of a shell in, as Compose does; one that must be set and is not fails."""

    def put(match: re.Match[str]) -> str:
        name, kind, rest = match["name"], match["kind"], match["rest"]
        if name in GIVEN:
            return GIVEN[name]
        assert kind == ":-", f"{name} must be set"
        return rest

    return re.sub(r"\$\{(?P<name>\w+)(?P<kind>:[-?])(?P<rest>[^}]*)\}", put, value)


def test_the_image_is_small_and_nobody_is_root() -> None:
    stages = [rest for word, rest in INSTRUCTIONS if word == "FROM"]
    assert len(stages) == 2
    assert all("slim" in stage for stage in stages)
    last = INSTRUCTIONS[max(n for n, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]
    words = [word for word, _ in last]
    (user,) = (rest for word, rest in last if word == "USER")
    assert user not in {"root", "0"}
    assert any(f"useradd --system --uid 10001 --no-create-home {user}" in rest for _, rest in last)
    assert "HEALTHCHECK" in words
    check_command(json.loads(next(rest for word, rest in last if word == "CMD")))


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = []
    for word, rest in INSTRUCTIONS:
        if word == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            copied += sources
    assert {"app", "migrations", "alembic.ini", "pyproject.toml", "requirements.lock"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert not any(fnmatch.fnmatch(source, pattern) for pattern in ignored), source


def test_every_setting_is_one() -> None:
    for name in OURS:
        environment = {key: resolve(value) for key, value in SERVICES[name]["environment"].items()}
        settings = {key for key in environment if key.startswith("CAMPAIGNS_")}
        assert environment.keys() - settings == OF_BOTOCORE
        assert {key.removeprefix("CAMPAIGNS_").lower() for key in settings} <= Settings.model_fields.keys()
        given = {key.removeprefix("CAMPAIGNS_").lower(): environment[key] for key in settings}
        made = Settings(**given)  # type: ignore[arg-type]  # as text, which is how the environment has it
        assert made.ses_configuration_set == "campaigns"
        (topic,) = made.sns_topic_arns
        ((url, path),) = made.sns_pinned_certs.items()
        assert is_certificate_url(url, topic)
        (certificate,) = (word for word in SERVICES["simulator"]["command"] if "certificate-id" in word)
        assert path.name == f"SimpleNotificationService-{certificate.partition('=')[2]}.pem"
        assert made.database_url.endswith("@postgres:5432/campaigns")


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_exists(name: str) -> None:
    check_command(SERVICES[name]["command"])
    probe = SERVICES[name].get("healthcheck", {}).get("test", [])
    if probe[1:2] == ["campaigns"]:
        check_command(probe[1:])


def test_services_wait_for_what_they_need() -> None:
    assert {"simulator", "migrate", "api", "worker"} == OURS
    has_health = {name for name, service in SERVICES.items() if service.get("healthcheck", {}).get("test")}
    assert has_health == {"postgres", "redis", "simulator", "worker"}  # the API has its image's own
    for name in ("api", "worker"):
        needed = {other: wish["condition"] for other, wish in SERVICES[name]["depends_on"].items()}
        assert needed == {
            "migrate": "service_completed_successfully",
            "redis": "service_healthy",
            "simulator": "service_healthy",
        }
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["restart"] == "no"
    mounted = {mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())}
    assert mounted == COMPOSE["volumes"].keys()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_every_step_of_the_image_runs(tmp_path: Path) -> None:
    """Run the steps of the build in a folder of their own, with nothing of ours in the environment."""
    places = {"/venv": str(tmp_path / "venv"), "/src": str(tmp_path / "src")}
    (tmp_path / "src").mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    ran = 0
    for word, rest in INSTRUCTIONS:
        if word == "COPY" and not rest.startswith("--from"):
            *sources, target = rest.split()
            for source in sources:
                command = ["cp", "-r", str(ROOT / source), str(tmp_path / "src" / target)]
                if (ROOT / source).is_dir():
                    command = ["cp", "-rT", str(ROOT / source), str(tmp_path / "src" / target)]
                subprocess.run(command, check=True, timeout=60)
        if word == "RUN" and not rest.startswith("useradd"):
            for place, other in places.items():
                rest = rest.replace(place, other)  # noqa: PLW2901  # the step as it runs here
            done = subprocess.run(
                ["/bin/sh", "-c", rest],
                cwd=tmp_path / "src",
                env=environment,
                check=False,
                timeout=900,
            )
            assert done.returncode == 0, rest
            ran += 1
    assert ran == 3
    shown = subprocess.run(
        [*shlex.split(f"{tmp_path}/venv/bin/campaigns openapi")],
        cwd="/",
        env=environment,
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert shown.stdout.startswith(b"{")
    assert not (tmp_path / "src" / "tests").exists()
