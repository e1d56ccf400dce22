"""Clients that are generated from the document as it is served, each used for a whole campaign."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.clients.programs import check_findings, run_program
from tests.flow.deployment import QUIET, SWIFT, Deployment
from tests.school import SchoolClient

CLIENTS = Path(__file__).parents[1] / "clients"
PYTHON, TYPESCRIPT = CLIENTS / "python", CLIENTS / "typescript"
UNREACHABLE = re.compile("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED")


@pytest.fixture
async def quiet(deployment: Deployment) -> Deployment:
    """A deployment whose mail is all delivered."""
    await deployment.world.change_settings(behaviour=SWIFT | QUIET)
    return deployment


async def _check(deployment: Deployment, school: SchoolClient, printed: str) -> None:
    found = json.loads(printed)
    check_findings(found)
    campaign = await deployment.rest(school, found["campaign"])
    await deployment.check(campaign, recipients=found["previewed"]["recipients"])


async def test_a_python_client_runs_a_whole_campaign(
    quiet: Deployment, school: SchoolClient, tmp_path: Path
) -> None:
    api = quiet.stack.api_url
    await run_program(
        *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"),
        *("--url", f"{api}/openapi.json", "--config", str(PYTHON / "generator.yml")),
        *("--meta", "none", "--output-path", str(tmp_path / "campaigns_client")),
    )
    program = str(PYTHON / "integration.py")
    printed = await run_program(sys.executable, program, api, school.key, PYTHONPATH=str(tmp_path))
    await _check(quiet, school, printed)


@pytest.mark.soak
async def test_a_typescript_client_runs_a_whole_campaign(
    quiet: Deployment, school: SchoolClient, tmp_path: Path
) -> None:
    api, folder = quiet.stack.api_url, str(tmp_path / "integration")
    shutil.copytree(TYPESCRIPT, folder, ignore=shutil.ignore_patterns("node_modules", "build"))
    await _install_packages(folder)
    generate = ("--default-non-nullable", "false", "--output", "campaigns.ts")
    await run_program("npx", "openapi-typescript", f"{api}/openapi.json", *generate, cwd=folder)
    await run_program("npx", "tsc", "--strict", cwd=folder)
    printed = await run_program("node", "build/integration.js", api, school.key, cwd=folder)
    await _check(quiet, school, printed)


async def _install_packages(folder: str) -> None:
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed")
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0")
    try:
        await run_program("npm", "ci", *options, cwd=folder)
    except AssertionError as error:
        if UNREACHABLE.search(str(error)):
            pytest.skip("npm cannot reach its registry")
        raise


def test_the_typescript_packages_are_pinned_and_from_any_registry() -> None:
    wanted = json.loads((TYPESCRIPT / "package.json").read_text())
    lock = json.loads((TYPESCRIPT / "package-lock.json").read_text())
    pinned = wanted["dependencies"] | wanted["devDependencies"]
    assert all(version[0].isdigit() for version in pinned.values())
    assert lock["packages"][""]["devDependencies"] == wanted["devDependencies"]
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
