"""The OpenAPI document: nothing that a generated client needs is missing, and every example is true."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from app.core.openapi import METHODS, PROBLEM_TYPE

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
