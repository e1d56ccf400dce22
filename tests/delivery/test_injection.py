"""Nothing that a person writes becomes a header: what could is refused, or is plain text in the mail."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from app.core.config import Settings
from app.core.db import Database
from app.core.signing import Signer
from app.delivery.composing import Letters, compose_batch
from app.delivery.fairness import Turn
from app.mail.encoding import encode_batch
from app.simulator.template import parse_template
from tests.campaigns.prepared import send_prepared
from tests.delivery.campaigns import claim_some
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

EVIL = "Bcc: eve@evil.example"
BREAKS = ["\r", "\n", "\r\n", "\r\n ", "\v", "\x85", "\u2028", "\u2029"]
WORDS = ["=?utf-8?Q?A=0D=0ABcc:_eve@evil.example?=", "=?utf-8?B?QQ0KQmNjOiBldmVAZXZpbC5leGFtcGxl?="]
SCHOOL = ("name", "from_name", "from_email", "reply_to", "postal_address")
USER = ("first_name", "last_name", "email", "attributes")
LETTER = ("name", "subject", "preheader", "text", "from_name", "reply_to", "sent_by")
HEADERS = {"From", "Reply-To", "To", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post"}
LINES = {"name", "from_name", "from_email", "reply_to", "email", "subject", "sent_by"}
"""Of a school, a user or a message: what is one line, and says so. A campaign's name goes nowhere."""


def say(field: str, words: str) -> Any:
    """Return the words as this field carries them."""
    shapes: dict[str, Any] = {
        "from_email": f"news@school.example{words}",
        "reply_to": f"desk@school.example{words}",
        "email": f"ann@school.example{words}",
        "attributes": {"k": words},
        "sent_by": {"id": words, "name": words},
        "text": f"{words} {{{{ first_name }}}}",
        "preheader": f"{words} {{{{ first_name }}}}",
    }
    return shapes.get(field, words)


async def offer(http: httpx.AsyncClient, method: str, path: str, body: Any) -> set[str]:
    """Offer a body; return the names of the fields that are refused."""
    answer = await http.request(method, path, json=body)
    if answer.is_success:
        return set()
    return {re.sub(r"^/(items/0/)?", "", pointer).partition("/")[0] for pointer in read_faults(answer)}


async def say_all(school: SchoolClient, words: str) -> tuple[dict[str, set[str]], dict[str, Any]]:
    """Say the words in every field; return those that are refused, and a message of the others."""
    http = school.http
    settings = {field: say(field, words) for field in SCHOOL}
    refused = {"school": await offer(http, "PATCH", "/v1/school", settings)}
    kept = {field: value for field, value in settings.items() if field not in refused["school"]}
    assert await offer(http, "PATCH", "/v1/school", kept) == set()
    user = {"external_id": "u1"} | {field: say(field, words) for field in USER}
    refused["user"] = await offer(http, "PUT", "/v1/directory/users", {"items": [user]})
    kept = {field: value for field, value in user.items() if field not in refused["user"]}
    await school.push("users", {"email": "ann@school.example"} | kept)
    refused["message"] = await offer(
        http, "POST", "/v1/messages", MESSAGE | {"subject": say("subject", words)}
    )
    letter = {field: say(field, words) for field in LETTER if field != "subject"}
    refused["message"] |= await offer(http, "POST", "/v1/messages", MESSAGE | letter)
    return refused, {field: letter[field] for field in letter if field not in refused["message"]}


async def read_wire(
    database: Database, settings: Settings, school: SchoolClient, campaign: UUID
) -> dict[str, Any]:
    """Return the request to SES for the one recipient."""
    turn = Turn(school.id, campaign, operational=False)
    claimed = await claim_some(database, turn)
    async with database.connection() as connection:
        letter = await Letters().read(connection, turn.school_id, turn.campaign_id)
    batch = compose_batch(
        letter, claimed, signer=Signer(settings.secret_keys), public_url="https://c.example"
    )
    request: dict[str, Any] = orjson.loads(encode_batch(batch).body)
    return request


def list_headers(request: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """List the headers of the mail that SES makes of a request for one."""
    (entry,) = request["BulkEmailEntries"]
    template = request["DefaultContent"]["Template"]["TemplateContent"]
    data = entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]
    yield "From", request["FromEmailAddress"]
    yield "Reply-To", ", ".join(request.get("ReplyToAddresses", ["none@school.example"]))
    yield "To", ", ".join(entry["Destination"]["ToAddresses"])
    yield "Subject", parse_template(template["Subject"]).render(orjson.loads(data))
    yield from ((header["Name"], header["Value"]) for header in entry["ReplacementHeaders"])


@pytest.mark.parametrize("words", [f"A{each}{EVIL}" for each in BREAKS] + WORDS)
async def test_words_with_line_breaks_add_no_header(
    school: SchoolClient, database: Database, settings: Settings, words: str
) -> None:
    refused, letter = await say_all(school, words)
    lines = {"email", "from_email", "reply_to", "subject"} if words in WORDS else LINES
    assert refused == {
        "school": lines & set(SCHOOL),
        "user": lines & set(USER),
        "message": lines & set(LETTER) - {"name"},
    }
    fields = '{{ first_name }}{{ attributes.k }}{{ school_name }}{{ attributes.none | "a&#13;&#10;b" }}'
    campaign = await send_prepared(school, database, **letter | {"subject": fields})
    headers = list(list_headers(await read_wire(database, settings, school, campaign)))
    assert [name for name, value in headers if not value.isprintable()] == []
    raw = "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    mail = message_from_bytes(raw.encode(), policy=policy.default)
    assert (set(mail.keys()), len(mail.keys())) == (HEADERS, len(HEADERS))
    assert [each.addr_spec for each in mail["From"].addresses] == ["news@school.example"]
    assert [each.addr_spec for each in mail["To"].addresses] == ["ann@school.example"]
    assert not mail["From"].defects
    subject = dict(headers)["Subject"]
    assert decode_header(subject) == [(subject, None)]
    assert subject.endswith("ab")  # of the fallback, whose entities are line breaks
    if words in WORDS:
        assert words in mail["From"].addresses[0].display_name


@pytest.mark.parametrize("field", LETTER)
async def test_nul_is_refused_everywhere(school: SchoolClient, field: str) -> None:
    await school.push_users(1)
    bad = {field: say(field, "A\x00B")}
    assert await offer(school.http, "POST", "/v1/messages", MESSAGE | bad) == {field}
    place = {"name": "last_name", "text": "email"}.get(field, "attributes")
    user = {"external_id": "u1", "email": "a@school.example", place: say(place, "A\x00B")}
    assert await offer(school.http, "PUT", "/v1/directory/users", {"items": [user]}) == {place}
    if field in SCHOOL:
        assert await offer(school.http, "PATCH", "/v1/school", bad) == {field}
