"""Log lines: where and what kind of error, without the words that may be somebody's data."""

from typing import Any

import pytest

from app.core.scrubbing import format_exception, scrub, scrub_values
from app.core.signing import Purpose, Signer
from tests.core.test_signing import REF

TOKEN = Signer(["b7Qm2-xT9vRk4Lp8Zs1Wd6Yf3Hj5Nc0A"]).sign(Purpose.OPEN, REF)

WORDS = "Zenobia Quill <zenobia@school.example>"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("mail to ann.o'neil+x@school.example bounced", "mail to [address] bounced"),
        ('"Ann" <ann@school.example>, bo@x.example', '"Ann" <[address]>, [address]'),
        (f"GET /o/{TOKEN}.gif", "GET /o/[token].gif"),
        (f"GET /c/{TOKEN}/1", "GET /c/[token]/1"),
        ("Bearer ck_" + "Ab1-_" * 17 + "x", "Bearer [key]"),
        ("Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "Bearer [jwt]"),
        (
            "01a20e3c-59f2-750b-93ed-3c8fadf04e47 @decorated",
            "01a20e3c-59f2-750b-93ed-3c8fadf04e47 @decorated",
        ),
    ],
)
def test_secrets_are_replaced_by_their_kind(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


def test_every_value_of_a_line_is_scrubbed() -> None:
    line: dict[str, Any] = {"event": "a@b.example", "n": 5, "deep": {"list": ["c@d.example", None]}}
    assert scrub_values(None, "", line) == {
        "event": "[address]",
        "n": 5,
        "deep": {"list": ["[address]", None]},
    }


def _format(info: Any) -> str:
    line = format_exception(None, "", {"event": "failed", "exc_info": info})
    assert "exc_info" not in line
    return str(line.get("exception", ""))


def test_an_exception_is_told_without_its_words() -> None:
    try:
        try:
            raise KeyError(WORDS)  # noqa: TRY301
        except KeyError as first:
            raise OSError(5, WORDS) from first
    except OSError as error:
        told = [_format(each) for each in (error, True, (type(error), error, error.__traceback__))]
    assert len(set(told)) == 1
    assert "Zenobia" not in told[0]
    assert told[0].index("builtins.KeyError") < told[0].index("builtins.OSError (errno 5)")
    assert "test_scrubbing.py" in told[0]


def test_each_of_a_group_is_told() -> None:
    told = _format(ExceptionGroup("Zenobia", [ValueError("Zenobia"), TypeError("Zenobia")]))
    assert [kind in told for kind in ("ExceptionGroup", "ValueError", "TypeError", "Zenobia")] == [
        True
    ] * 3 + [False]


@pytest.mark.parametrize("info", [None, False, (None, None, None)])
def test_without_an_exception_nothing_is_told(info: Any) -> None:
    assert _format(info) == ""
