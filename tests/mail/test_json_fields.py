"""SNS messages decoded: an event, plain text, or MalformedEvent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.events import MalformedEvent, decode_message
from tests.mail.ses_events import ADDRESS, make_published, parse_one


def test_an_event_is_decoded_from_an_sns_message() -> None:
    payload = make_published("Bounce")
    assert decode_message(json.dumps(payload, indent=1) + "\n") == payload


@pytest.mark.parametrize(
    "text", ["Successfully validated SNS topic for Amazon SES event publishing.", "", "  ", "[1]", '"x"']
)
def test_plain_text_is_no_event(text: str) -> None:
    assert decode_message(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{]",
        '{"a": 1} {"b": 2}',
        '{"a":' * 100_000,
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a": NaN}',
        "{'a': 1}",
        '{"a": "\0"}',
    ],
)
def test_json_that_cannot_be_read_is_malformed(text: str) -> None:
    with pytest.raises(MalformedEvent):
        decode_message(text)


def test_what_no_database_holds_is_replaced_not_lost() -> None:
    bounced = [{"emailAddress": ADDRESS, "diagnosticCode": "cut \ud83d and \0 nul"}]
    message = json.dumps(make_published("Bounce", bouncedRecipients=bounced))
    payload = decode_message(message)
    assert payload is not None
    event = parse_one(payload)
    assert event.address == ADDRESS
    assert event.diagnostic == "cut ? and \ufffd nul"


@given(st.text())
def test_any_text_is_decoded_plain_or_malformed(text: str) -> None:
    try:
        decoded = decode_message("{" + text)
    except MalformedEvent:
        return
    assert isinstance(decoded, dict)
