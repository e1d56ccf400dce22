"""The OpenAPI document: nothing that a generated client needs is missing, and every example is true."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from app.core.openapi import METHODS, PROBLEM_TYPE
from tests.flow.deployment import check_sums

# What these say needs no more words, whatever they stand in. A new name is described, or named here.
PLAIN = frozenset(
    {
        "address",
        "at",
        "bounced_permanent",
        "bounced_soft",
        "bytes_read",
        "changed_at",
        "clicked",
        "created_at",
        "delivered",
        "description",
        "email",
        "ends_at",
        "events",
        "exported_at",
        "external_id",
        "fields",
        "filters",
        "finished_at",
        "first_clicked_at",
        "first_name",
        "from_email",
        "from_name",
        "html",
        "id",
        "items",
        "kind",
        "last_clicked_at",
        "last_name",
        "last_opened_at",
        "links",
        "message_type",
        "name",
        "opened",
        "placed_at",
        "preference_history",
        "preheader",
        "reason",
        "recipients",
        "reply_to",
        "results",
        "revoked_at",
        "rows_read",
        "rows_rejected",
        "rows_stored",
        "sent",
        "sent_at",
        "since",
        "starts_at",
        "status",
        "subject",
        "suppression",
        "text",
        "title",
        "track_clicks",
        "track_opens",
        "unsubscriptions",
        "updated_at",
        "valid_from",
    }
)
# Those that people and mail programs follow are answered with pages.
PAGES = ("/u/", "/c/")


@pytest.fixture(scope="session")
def document(built_app: FastAPI) -> dict[str, Any]:
    """The document as it is served."""
    return built_app.openapi()


def _walk(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", path, item[method]


def test_every_operation_says_what_it_is(document: dict[str, Any]) -> None:
    tags = [tag["name"] for tag in document["tags"] if tag["description"]]
    names = [operation["operationId"] for _, _, operation in _walk(document)]
    assert len(names) == len(set(names)) > 90
    for name, _, operation in _walk(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"]), name
        assert len(operation["tags"]) == 1, name
        assert operation["tags"][0] in tags, name
    assert {each for _, _, operation in _walk(document) for each in operation["tags"]} == set(tags)


def test_every_refusal_is_a_problem_with_an_example(document: dict[str, Any]) -> None:
    for name, path, operation in _walk(document):
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            if int(status) < 400 or (path.startswith(PAGES) and "text/html" in content):
                continue
            if path == "/readyz":
                continue
            assert list(content) == [PROBLEM_TYPE], (name, status)
            assert content[PROBLEM_TYPE]["example"]["status"] == int(status), (name, status)


def test_every_operation_documents_what_any_of_its_kind_may_answer(document: dict[str, Any]) -> None:
    for name, _, operation in _walk(document):
        expected = set()
        if "security" in operation:
            expected |= {"401", "403", "429", "503"}
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            expected |= {"400", "413", "422"}
        assert expected <= operation["responses"].keys(), name


def test_every_request_body_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, _, operation in _walk(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            choices = media["schema"].get("anyOf", [media["schema"]])
            shown = [schemas.get(each.get("$ref", "").rpartition("/")[2], {}) for each in choices]
            assert "example" in media or any(each.get("examples") for each in shown), name


def test_every_success_has_an_example(document: dict[str, Any]) -> None:
    for name, _, operation in _walk(document):
        for status, response in operation["responses"].items():
            for media_type, media in response.get("content", {}).items():
                if status < "300" and not media_type.startswith("image/"):
                    assert "example" in media, (name, status, media_type)


def test_the_examples_tell_one_story(document: dict[str, Any]) -> None:
    told = [
        media["example"]
        for _, _, operation in _walk(document)
        for status, response in operation["responses"].items()
        for media in response.get("content", {}).values()
        if status < "300" and "example" in media
    ]
    campaigns = [each for answer in told for each in _find_campaigns(answer)]
    assert len(campaigns) > 8
    assert len({(each["id"], each["subject"], each["timezone"]) for each in campaigns}) == 1
    assert {each["status"] for each in campaigns} == {"preparing", "sending", "paused", "sent", "cancelled"}
    for each in campaigns:
        check_sums(each["stats"])


def _find_campaigns(answer: Any) -> Iterator[dict[str, Any]]:
    if isinstance(answer, dict) and "stats" in answer:
        yield answer
    elif isinstance(answer, dict):
        for each in answer.get("items", ()):
            yield from _find_campaigns(each)


def test_every_parameter_and_every_field_says_what_it_is(document: dict[str, Any]) -> None:
    for name, _, operation in _walk(document):
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (name, parameter["name"])
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        for field, part in schema.get("properties", {}).items():
            whole = schemas.get(part.get("$ref", "").rpartition("/")[2], {}) | part
            assert field in PLAIN or whole.get("description") or "enum" in whole, f"{name}.{field}"


def test_nothing_is_named_by_a_generator(document: dict[str, Any]) -> None:
    for name in document["components"]["schemas"]:
        assert re.fullmatch(r"([A-Z][A-Za-z]+)", name), name
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references == document["components"]["schemas"].keys()
    assert not [name for name, media in _walk_answers(document) if "$ref" not in media["schema"]]


def _walk_answers(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, _, operation in _walk(document):
        for response in operation["responses"].values():
            if "application/json" in response.get("content", {}):
                yield name, response["content"]["application/json"]


def test_an_answer_always_has_all_its_fields(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, media in _walk_answers(document):
        schema = schemas[media["schema"]["$ref"].rpartition("/")[2]]
        assert set(schema["required"]) == schema["properties"].keys(), name


def test_every_example_fits_its_own_schema(document: dict[str, Any]) -> None:
    seen = 0
    for name, _, operation in _walk(document):
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in part.get("content", {}).values():
                if "example" in media:
                    schema = media["schema"] | {"components": document["components"]}
                    faults = [
                        each.message for each in Draft202012Validator(schema).iter_errors(media["example"])
                    ]
                    assert not faults, (name, faults)
                    seen += 1
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", ()):
            whole = schema | {"components": document["components"]}
            assert not [*Draft202012Validator(whole).iter_errors(example)], name
            seen += 1
    assert seen > 100
