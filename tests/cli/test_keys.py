"""A school and its keys from the command line, as the API then sees them."""

import json
from uuid import uuid4

import httpx
import pytest

from app.core.config import Settings
from tests.cli.commands import call, make_environment, read_complaint, run
from tests.cli.test_complaints import create_school


async def ask(public: httpx.AsyncClient, key: str, path: str = "/v1/school") -> httpx.Response:
    return await public.get(path, headers={"Authorization": f"Bearer {key}"})


async def test_school_and_its_keys(settings: Settings, public: httpx.AsyncClient) -> None:
    environment = make_environment(settings)
    created = json.loads(run(*create_school(name="Ünïque"), environment=environment).stdout)
    assert set(created) == {"school_id", "api_key"}
    school_id = created["school_id"]
    seen = await ask(public, created["api_key"])
    assert (seen.status_code, seen.json()["id"], seen.json()["name"]) == (200, school_id, "Ünïque")

    command = ("api-key", "create", school_id, "--name", "sync", "--scope", "directory:read")
    until = ("--expires-at", "2099-09-01T00:00:00+02:00")
    second = json.loads(call(*command, *until, environment=environment).stdout)
    assert (await ask(public, second["api_key"], "/v1/directory/users")).status_code == 200
    assert (await ask(public, second["api_key"], "/v1/campaigns")).status_code == 403

    listed = call("api-key", "list", school_id, environment=environment)
    keys = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [key["name"] for key in keys] == ["sync", "First key"]
    assert keys[0]["id"] == second["id"]
    assert (keys[0]["scopes"], keys[0]["expires_at"]) == (["directory:read"], "2099-08-31T22:00:00Z")
    assert {key["created_by"]["kind"] for key in keys} == {"operator"}
    assert second["api_key"] not in listed.stdout

    for _ in range(2):
        revoked = call("api-key", "revoke", school_id, second["id"], environment=environment)
        assert (revoked.returncode, revoked.stdout) == (0, "Revoked.\n")
        assert (await ask(public, second["api_key"], "/v1/directory/users")).status_code == 401
    assert (await ask(public, created["api_key"])).status_code == 200


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--expires-at", "2020-01-01T00:00:00Z", "future"),
        ("--expires-at", "2099-01-01", "expires-at"),
        ("--scope", "everything", "scope"),
    ],
)
def test_a_key_that_cannot_be(settings: Settings, option: str, value: str, word: str) -> None:
    arguments = ("api-key", "create", str(uuid4()), "--name", "x", option, value)
    assert word in run(*arguments, environment=make_environment(settings)).stderr


def test_unknown_school_or_key(settings: Settings) -> None:
    environment, nobody = make_environment(settings), str(uuid4())
    assert "no such" in read_complaint("api-key", "create", nobody, "--name", "x", environment=environment)
    assert "no such" in read_complaint("api-key", "list", nobody, environment=environment)
    assert "no such" in read_complaint("api-key", "revoke", nobody, nobody, environment=environment)
