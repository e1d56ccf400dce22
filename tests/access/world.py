"""A school with something of everything, and one word in all of it by which it is known again."""

from typing import Any
from uuid import UUID

from app.core.db import Database
from app.recipients.facts import FactKind
from tests.access.operations import Operation
from tests.campaigns.prepared import record, send_prepared
from tests.directory.belongings import COMMON, OWN
from tests.school import SchoolClient

MARK = "zquorvex"
"""In every name, address and text of the school, whatever its case; nowhere else."""
RECORDS: dict[str, str] = {"users": "u1"} | {
    resource: fields["external_id"] for resource, fields in [*COMMON, *OWN]
}


async def fill(school: SchoolClient, database: Database) -> dict[str, str]:
    """Fill the school; return what stands for each parameter of a path but a record's own."""
    user = {
        "external_id": "u1",
        "email": f"ann@{MARK}.example",
        "first_name": MARK,
        "attributes": {"k": MARK},
    }
    await school.push("users", user, {"external_id": "u2", "email": f"bo@{MARK}.example", "first_name": MARK})
    for resource, fields in COMMON:
        marked = {name: f"{MARK} {value}" for name, value in fields.items() if name in {"name", "title"}}
        await school.push(resource, fields | marked)
    for resource, fields in OWN:
        await school.push(resource, fields | {"user": "u1"})
    await _post(school, "/v1/suppressions", {"items": [{"address": f"bo@{MARK}.example"}]})
    campaign = await send_prepared(
        school,
        database,
        name=MARK,
        subject=MARK,
        html=f"<p>{MARK} <a href='https://school.example/a'>A</a></p>",
    )
    await record(database, school, campaign, 1, FactKind.ACCEPTED)
    saved = await _post(
        school, "/v1/mailing-lists", {"name": MARK, "audience": {"filter": {"kind": "group", "group": "g1"}}}
    )
    imported = await school.http.post(
        "/v1/imports?resource=groups",
        content=f'{{"external_id": "g2", "name": "{MARK}"}}\n{{"external_id": "{MARK}"}}\n',
        headers={"Content-Type": "application/x-ndjson"},
    )
    key = await _post(school, "/v1/api-keys", {"name": MARK, "scopes": ["directory:read"]})
    suppressed = (await school.read("/v1/suppressions"))["items"][0]
    return {
        "campaign_id": str(campaign),
        "list_id": saved["id"],
        "import_id": imported.json()["id"],
        "suppression_id": suppressed["id"],
        "key_id": key["id"],
        "number": "1",
        "recipient_id": "1",
    }


def fill_path(operation: Operation, ids: dict[str, str]) -> str:
    """Return the path of what the school has; a new kind of parameter must be taught here."""
    values: dict[str, str] = {}
    for name in operation.parameters:
        if name == "external_id":
            values[name] = RECORDS[operation.path.split("/")[3]]
        else:
            assert name in ids, f"{operation.name}: what is {name}? Add it to tests/access/world.py"
            values[name] = ids[name]
    return operation.path.replace(":path", "").format(**values)


async def take_stock(school: SchoolClient) -> dict[str, Any]:
    """Return what can be seen of the school."""
    paths = [f"/v1/directory/{resource}" for resource in RECORDS]
    paths += ["/v1/school", "/v1/mailing-lists", "/v1/imports", "/v1/suppressions", "/v1/campaigns"]
    seen = {path: await school.read(path) for path in paths}
    keys = (await school.read("/v1/api-keys"))["items"]
    seen["keys"] = [{name: key[name] for name in ("id", "name", "revoked_at")} for key in keys]
    return seen


async def _post(school: SchoolClient, path: str, body: Any) -> Any:
    answer = await school.http.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def read_secrets(school: SchoolClient, ids: dict[str, str]) -> set[bytes]:
    """Return what must be in no answer to another school."""
    own = {each for each in ids.values() if len(each) == len(str(UUID(int=0)))}
    return {each.encode() for each in {MARK, str(school.id), school.key, *own}}
