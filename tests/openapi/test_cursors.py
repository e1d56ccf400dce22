"""A cursor that the list never gave: 422 that points at it, from every list there is."""

import base64

import orjson
from fastapi import FastAPI

from app.core.db import Database
from app.core.pages import LARGEST_NUMBER
from tests.access.operations import read_operations
from tests.access.world import fill, fill_path
from tests.directory.faults import read_faults
from tests.school import SchoolClient

# What no row is sorted by, in keys of any length that a list may have.
PARTS: tuple[object, ...] = ([], {}, True, "\x00", LARGEST_NUMBER + 1)


def _forge(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


FORGED = [
    "x",
    "é",
    "\x00",
    "0" * 2000,
    "a" * 2001,
    _forge(b"null"),
    _forge(b"[]"),
    _forge(b"[" * 1400),
    _forge(b'"\xff"'),
    *(_forge(orjson.dumps([part] * length)) for part in PARTS for length in (1, 2, 4)),
]


async def test_a_forged_cursor_is_refused_by_every_list(
    built_app: FastAPI, database: Database, school: SchoolClient, unlimited: None
) -> None:
    ids = await fill(school, database)
    document = built_app.openapi()
    lists = [
        fill_path(operation, ids)
        for operation in read_operations(document)
        if any(
            each["name"] == "cursor"
            for each in document["paths"][operation.path][operation.method.lower()].get("parameters", ())
        )
    ]
    assert len(lists) > 15
    for number, path in enumerate(lists):
        assert (await school.http.get(path)).is_success, path
        for cursor in FORGED[number % 3 :: 3]:  # each of the lists a third, each third to seven lists
            faults = read_faults(await school.http.get(path, params={"cursor": cursor}))
            assert faults.keys() == {"/cursor"}, (path, cursor)
