"""Events no documentation promises: read as far as they go, or MalformedEvent, nothing else."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.events import MalformedEvent, parse_events
from tests.mail.ses_events import DETAILS, make_mail, make_published


@pytest.mark.parametrize(
    "payload",
    [
        [],
        None,
        "Bounce",
        {},
        {"eventType": None},
        {"eventType": 7},
        {"eventType": ["Bounce"]},
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": make_mail()},
        {"eventType": "Bounce", "mail": make_mail(), "bounce": []},
        {"eventType": "Send", "mail": None},
        {"eventType": "Send", "mail": "mail"},
        {"eventType": "Send", "mail": make_mail(messageId=None)},
        {"eventType": "Send", "mail": make_mail(messageId=5)},
        {"eventType": "Send", "mail": make_mail(messageId="x" * 256)},
        {"eventType": "Send", "mail": make_mail(messageId="a\0b")},
        {"eventType": "Send", "mail": make_mail(messageId="\ud800")},
        {"eventType": "Send", "mail": make_mail(timestamp=None)},
        {"eventType": "Send", "mail": make_mail(timestamp="yesterday")},
        {"eventType": "Send", "mail": make_mail(destination="ann@x.test")},
        {"eventType": "Send", "mail": make_mail(destination=[3])},
        {"eventType": "Send", "mail": make_mail(destination=["x" * 2_000])},
        {"eventType": "Send", "mail": make_mail(tags=[])},
        {"eventType": "Send", "mail": make_mail(tags={"a": [{}, {}], "b": [["c"]]})},
        make_published("Bounce", bounceType=5),
        make_published("Bounce", bouncedRecipients=[None]),
        make_published("Bounce", bouncedRecipients=[{"status": "5.1.1"}]),
        make_published("Bounce", bouncedRecipients=[{"emailAddress": "a@x.test", "diagnosticCode": "\0"}]),
        make_published("Delivery", timestamp=1),
        {"eventType": "Novelty", "mail": make_mail(), "n": 2**70},
        {"eventType": "Novelty", "mail": make_mail(), "n": "\udfff"},
    ],
)
def test_malformed_events_are_refused_without_repeating_what_they_say(payload: Any) -> None:
    with pytest.raises(MalformedEvent) as refusal:
        parse_events(payload)
    assert "x.test" not in str(refusal.value)
    assert len(str(refusal.value)) < 80


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["Likely", "2026-03-02T08:00:07Z", "Permanent", "a@x.test", "\0", "\ud800"]),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = ["mail", "timestamp", "messageId", "destination", "tags", "emailAddress", "bounceType", "userAgent"]


@st.composite
def odd_events(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a documented event with any of its parts, at any depth, replaced by anything."""
    event: dict[str, Any] = json.loads(json.dumps(make_published(draw(st.sampled_from(list(DETAILS))))))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = event
        while isinstance(place, dict) and place:
            name = draw(st.sampled_from([*place, *FIELDS]))
            inner = place.get(name)
            if not isinstance(inner, dict) or draw(st.booleans()):
                place[name] = draw(JSON_VALUES)
                break
            place = inner
    return event


@settings(max_examples=150, deadline=None)
@given(odd_events())
def test_odd_events_are_read_or_malformed(event: dict[str, Any]) -> None:
    try:
        events = parse_events(event)
    except MalformedEvent:
        return
    assert events
    for one in events:
        said = (one.message_id, one.address, one.code, one.diagnostic, *one.tags, *one.tags.values())
        assert not any("\0" in text for text in said)
        "".join(said).encode()


@settings(max_examples=70, deadline=None)
@given(JSON_VALUES)
def test_any_json_is_read_or_malformed(value: Any) -> None:
    for payload in (value, {"eventType": "Delivery", "mail": make_mail(), "delivery": value}):
        with suppress(MalformedEvent):
            assert parse_events(payload)
