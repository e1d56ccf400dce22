"""The README keeps its word: its requests are sent as they stand, and answered in the shape it shows."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy import text

from app.audience.base import Filter
from app.core.db import Database
from app.core.ids import new_id
from app.delivery.planning import prepare_campaign
from app.delivery.sweeps import complete_campaigns
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts
from tests.school import SchoolClient

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CURL_VALUES = {"-X", "-H", "-d", "-T"}
CURL_FLAGS = {"-i", "-OJ"}
SENT_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ELISION = "…"


@dataclass(slots=True)
class Example:
    """A command at the prompt, and what the README says it prints."""

    words: list[str]
    lines: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """What is printed, less the status and headers of `curl -i`."""
        text = "\n".join(self.lines).strip()
        return text.partition("\n\n")[2] if text.startswith("HTTP/") else text

    @property
    def status(self) -> int | None:
        """The status that is printed, where one is."""
        return int(self.lines[0].split()[1]) if self.lines and self.lines[0].startswith("HTTP/") else None


def read_blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def read_examples() -> Iterator[Example]:
    """Read every command at a prompt; one ends where its quotes close and no backslash goes on."""
    for block in read_blocks("sh"):
        example: Example | None = None
        command = ""
        for line in block.splitlines():
            if line.startswith("$ ") and not command:
                command, example = line[2:], None
            elif command:
                command += "\n" + line
            elif example:
                example.lines.append(line)
            if command and (words := split_command(command)):
                command, example = "", Example(words)
                yield example  # its lines follow while the reader waits for the next


def split_command(command: str) -> list[str] | None:
    """Split a command as the shell does; None while it goes on."""
    if command.endswith("\\"):
        return None
    try:
        return shlex.split(command.replace("\\\n", " "))
    except ValueError:
        return None


def read_shape(answer: str) -> Any:
    """Parse an answer in which an ellipsis stands for members, items, or the rest of a text."""
    in_text, shown = False, []
    for place, character in enumerate(answer):
        if character == '"' and answer[place - 1] != "\\":
            in_text = not in_text
        shown.append(f'"{ELISION}": 0' if character == ELISION and not in_text else character)
    text = "".join(shown)
    # In a list it stands for items.
    return orjson.loads(re.sub(rf',\s*"{ELISION}": 0\]', f', "{ELISION}"]', text))


def compare(shown: Any, real: Any, ids: dict[str, str], where: str = "") -> None:
    """Assert that the real answer has the shape of the one shown, and learn which id stands for which."""
    if isinstance(shown, dict):
        assert isinstance(real, dict), where
        names = {name for name in shown if name != ELISION}
        assert names <= set(real), f"{where}: {names - set(real)} not answered"
        assert ELISION in shown or names == set(real), f"{where}: {set(real) - names} not shown"
        for name in names:
            compare(shown[name], real[name], ids, f"{where}/{name}")
    elif isinstance(shown, list):
        assert isinstance(real, list), where
        items = [item for item in shown if item != ELISION]
        assert len(real) >= len(items), f"{where}: {len(real)} items"
        for index, item in enumerate(items):
            compare(item, real[index], ids, f"{where}/{index}")
    elif isinstance(shown, str) and UUID_TEXT.fullmatch(shown):
        assert isinstance(real, str), where
        assert UUID_TEXT.fullmatch(real), where
        ids[shown] = real
    elif shown is not None and real is not None:
        numbers = isinstance(shown, int | float) and isinstance(real, int | float)
        assert numbers or type(shown) is type(real), f"{where}: {real!r}"


def read_request(words: list[str], ids: dict[str, str], files: dict[str, str]) -> dict[str, Any]:
    """Read a curl command as the request it sends."""
    request: dict[str, Any] = {"method": "GET", "headers": {}}
    rest = iter(words[1:])
    for word in rest:
        value = next(rest) if word in CURL_VALUES else ""
        value = UUID_TEXT.sub(lambda found: ids.get(found[0], found[0]), value)
        match word:
            case "-X":
                request["method"] = value
            case "-H":
                name, _, content = value.partition(": ")
                request["headers"] |= {} if name == "Authorization" else {name: content}
            case "-d":
                request["content"] = value
            case "-T":
                request["content"] = files[value]
            case _ if word in CURL_FLAGS:
                pass
            case _:
                path = word.removeprefix("$API")
                request["url"] = UUID_TEXT.sub(lambda found: ids.get(found[0], found[0]), path)
    return request


async def sing(school: SchoolClient) -> None:
    """Fill the choir as the README has it: 39 beside Ines, of whom two left and two share her address."""
    people: list[dict[str, Any]] = [
        {"external_id": f"u-{n}", "email": f"u{n}@mail.example", "first_name": f"N{n}"} for n in range(10, 49)
    ]
    for person in people[:2]:
        person["newsletter"] = "unsubscribed"
    for person in people[2:4]:
        person["email"] = "INES@mail.example"
    await school.push("users", *people)
    members = [
        {"external_id": f"m-{person['external_id']}", "group": "choir", "user": person["external_id"]}
        for person in [*people, {"external_id": "u-1"}]
    ]
    await school.push("memberships", *members)


def tell_what_happened() -> Iterator[tuple[int, FactKind, int, dict[str, Any]]]:
    """Yield what became of the 36 as the README's figures have it: number, kind, minutes later, details."""
    for number in range(1, 37):
        yield number, FactKind.ACCEPTED, 0, {"key": None}
        if number < 36:
            yield number, FactKind.DELIVERED, 1, {}
    yield 36, FactKind.SOFT_BOUNCED, 1, {"code": "mailbox_full", "diagnostic": "smtp; 452 4.2.2 mailbox full"}
    for number in range(1, 15):
        yield number, FactKind.OPENED, 20, {}
    for number in range(1, 8):
        yield number, FactKind.OPENED, 90, {}
    for number in (1, 2, 3, 15):
        yield number, FactKind.CLICKED, 30, {"link": 1}
    for number in range(16, 22):
        yield number, FactKind.OPENED, 2, {"machine": "prefetch"}
    for number in (16, 17):
        yield number, FactKind.CLICKED, 40, {"link": 1, "machine": "known_agent"}
    yield 2, FactKind.UNSUBSCRIBED, 50, {}


async def live_through(database: Database, school: SchoolClient, answer: httpx.Response) -> None:
    """Let a worker have sent the campaign that was accepted, and all that the README tells have happened."""
    campaign = UUID(answer.json()["id"])
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign)
    facts = [
        Fact(
            RecipientKey(school.id, campaign, number),
            kind,
            SENT_AT + timedelta(minutes=minutes),
            **{"key": new_id().bytes} | details,
        )
        for number, kind, minutes, details in tell_what_happened()
    ]
    async with database.connection() as connection:
        assert not (await record_facts(connection, facts)).missing
    async with database.connection() as connection:
        done = "UPDATE batches SET state = 'done' WHERE campaign_id = :campaign"
        await connection.execute(text(done), {"campaign": campaign})
        await complete_campaigns(connection)


def compare_lines(shown: str, real: str) -> None:
    """Assert that the lines of a CSV file begin as shown; a cell with words stands for one with any."""
    for wanted, line in zip(shown.splitlines(), real.removeprefix("\ufeff").splitlines(), strict=False):
        cells = wanted.removesuffix(f",{ELISION}").split(",")
        for cell, value in zip(cells, line.split(","), strict=False):
            is_same = cell == value if wanted.startswith("id,") else bool(cell) == bool(value)
            assert is_same, f"{cell}: {value}"
    assert len(real.splitlines()) >= len(shown.splitlines())


def check_answer(example: Example, answer: httpx.Response, ids: dict[str, str], called: str) -> None:
    """Assert that the answer is the one shown: its status, its shape, and the figures of a campaign."""
    if "text/csv" in answer.headers.get("content-type", ""):
        assert answer.status_code == 200, called
        compare_lines(example.answer, answer.text)
        return
    shown = read_shape(example.answer) if example.answer else None
    expected = example.status or (shown or {}).get("status")
    good = answer.status_code == expected if isinstance(expected, int) else answer.is_success
    assert good, called
    assert answer.is_success or answer.headers["content-type"] == "application/problem+json", called
    if shown is None:
        return
    real = answer.json()
    compare(shown, real, ids, called)
    if "stats" in shown:
        figures = {name: value for name, value in shown["stats"].items() if name != "excluded"}
        assert figures == {name: real["stats"][name] for name in figures}


async def test_every_request_is_answered_as_shown(school: SchoolClient, database: Database) -> None:
    ids: dict[str, str] = {}
    files: dict[str, str] = {}
    sent = 0
    for example in list(read_examples()):
        if example.words[0] == "cat":
            files[example.words[1]] = example.answer + "\n"
        if example.words[0] != "curl":
            continue
        request = read_request(example.words, ids, files)
        answer = await school.http.request(**request)
        check_answer(example, answer, ids, f"{request['method']} {request['url']}: {answer.text}")
        if request["url"].endswith("/directory/memberships"):
            await sing(school)
        if request["url"].endswith("/messages"):
            await live_through(database, school, answer)
        sent += 1
    assert sent >= 30


async def test_the_numbers_of_the_preview_are_true(school: SchoolClient) -> None:
    await school.push("users", {"external_id": "u-1", "email": "ines@mail.example"})
    await school.push("groups", {"external_id": "choir", "name": "Choir"})
    await sing(school)
    (example,) = [
        each
        for each in read_examples()
        if any(word.endswith("/audiences/preview") for word in each.words) and "choir" in each.words[-1]
    ]
    answer = (await school.http.request(**read_request(example.words, {}, {}))).json()
    shown = read_shape(example.answer)
    assert {name: answer[name] for name in ("matched", "recipients", "excluded")} == {
        name: shown[name] for name in ("matched", "recipients", "excluded")
    }


@pytest.fixture
def new_filter() -> Iterator[None]:
    """The filter of "Extend it", as if its file stood among the others."""
    before = dict(Filter.registry)
    (source,) = (block for block in read_blocks("python") if "(Filter)" in block)
    exec(compile(source, "README.md", "exec"), {"__name__": "readme"})  # noqa: S102  # our own README
    yield
    Filter.registry.clear()
    Filter.registry.update(before)


@pytest.mark.usefixtures("new_filter")
async def test_the_filter_of_extend_it_works(school: SchoolClient) -> None:
    locales = {"a": "es", "b": "es-MX", "c": "est", "d": None, "e": "en"}
    users = [
        {"external_id": name, "email": f"{name}@mail.example", "locale": value}
        for name, value in locales.items()
    ]
    await school.push("users", *users)
    (asked,) = re.findall(r'`(\{"filter": \{"kind": "speakers".*?\})`', README)
    body = {"audience": orjson.loads(asked), "message_type": "operational"}
    answer = (await school.http.post("/v1/audiences/preview", json=body)).json()
    assert [person["user"] for person in answer["sample"]] == ["a", "b"]
    kinds = (await school.read("/v1/audiences/filters"))["filters"]
    (described,) = (each for each in kinds if each["kind"] == "speakers")
    assert described["parameters"]["required"] == ["language"]
    wrong = body | {"audience": {"filter": {"kind": "speakers", "language": "%"}}}
    assert (await school.http.post("/v1/audiences/preview", json=wrong)).status_code == 422
