"""SES's events in our words: both shapes, every type, and whatever else may arrive."""

import json
from datetime import UTC, datetime
from itertools import combinations

import pytest

from app.mail.events import MalformedEvent, parse_events
from app.mail.types import MailEventKind
from tests.mail.ses_events import (
    ADDRESS,
    DETAILS,
    MESSAGE_ID,
    make_mail,
    make_notification,
    make_published,
    parse_one,
)

KINDS = [
    ("Send", MailEventKind.SEND, "", ""),
    ("Delivery", MailEventKind.DELIVERY, "", "250 2.6.0 Message received"),
    ("Bounce", MailEventKind.BOUNCE, "no_such_user", "smtp; 550 5.1.1 user unknown"),
    ("Complaint", MailEventKind.COMPLAINT, "abuse", "ExampleCorp Feedback Loop (V0.01)"),
    (
        "DeliveryDelay",
        MailEventKind.DELIVERY_DELAY,
        "transient_communication_failure",
        "smtp; 421 4.4.1 no connection",
    ),
    ("Reject", MailEventKind.REJECT, "bad_content", "Bad content"),
    (
        "Rendering Failure",
        MailEventKind.RENDERING_FAILURE,
        "rendering_failure",
        "Attribute 'x' is not present",
    ),
    ("Open", MailEventKind.OPEN, "", ""),
    ("Click", MailEventKind.CLICK, "", ""),
    ("Subscription", MailEventKind.SUBSCRIPTION, "", ""),
]
WITHOUT_OWN_TIME = {"Send", "Reject", "Rendering Failure"}


@pytest.mark.parametrize(("event_type", "kind", "code", "diagnostic"), KINDS)
def test_each_published_event(event_type: str, kind: MailEventKind, code: str, diagnostic: str) -> None:
    payload = make_published(event_type)
    event = parse_one(payload)
    seconds = 0 if event_type in WITHOUT_OWN_TIME else 7
    assert (event.kind, event.code, event.diagnostic) == (kind, code, diagnostic)
    assert (event.message_id, event.address) == (MESSAGE_ID, ADDRESS)
    assert event.mailed_at == datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)
    assert event.occurred_at.replace(microsecond=0) == datetime(2026, 3, 2, 8, 0, seconds, tzinfo=UTC)
    assert event.tags == {"ses:configuration-set": "our-set", "campaign_id": "c-1", "recipient_id": "7"}
    assert event.raw == payload


@pytest.mark.parametrize("event_type", ["Bounce", "Complaint", "Delivery"])
def test_both_shapes_of_one_event_are_the_same_event(event_type: str) -> None:
    published, notified = parse_one(make_published(event_type)), parse_one(make_notification(event_type))
    assert notified.key == published.key
    assert (notified.kind, notified.code, notified.address) == (published.kind, published.code, ADDRESS)
    assert notified.tags == {}


def test_each_address_named_is_an_event_of_its_own() -> None:
    bounced = [
        {"emailAddress": '"Ann, A." <ann@x.test>', "status": "5.1.1"},
        {"emailAddress": "bob@x.test", "status": "5.2.2"},
        {"emailAddress": "ANN@x.test", "status": "5.1.1"},
    ]
    events = parse_events(make_published("Bounce", "ann@x.test", "bob@x.test", bouncedRecipients=bounced))
    assert {(event.address.lower(), event.code) for event in events} == {
        ("ann@x.test", "no_such_user"),
        ("bob@x.test", "mailbox_full"),
    }
    assert len(events) == len({event.key for event in events}) == 2


@pytest.mark.parametrize("event_type", ["Send", "Reject", "Rendering Failure"])
def test_events_of_the_whole_message_name_its_destinations(event_type: str) -> None:
    events = parse_events(make_published(event_type, "ann@x.test", "Bob <bob@x.test>"))
    assert [event.address for event in events] == ["ann@x.test", "bob@x.test"]


@pytest.mark.parametrize(
    ("destinations", "address"), [(["ann@x.test"], "ann@x.test"), (["ann@x.test", "bob@x.test"], "")]
)
def test_a_bounce_that_names_nobody_means_the_only_destination(destinations: list[str], address: str) -> None:
    assert parse_one(make_published("Bounce", *destinations, bouncedRecipients=[])).address == address


def test_a_second_delivery_has_the_same_key() -> None:
    for event_type in DETAILS:
        first, again = make_published(event_type), json.loads(json.dumps(make_published(event_type)))
        assert parse_one(first).key == parse_one(again).key
        assert len(parse_one(first).key) == 16


def test_different_events_have_different_keys() -> None:
    later = "2026-03-02T09:00:00Z"
    events = [
        *(parse_one(make_published(event_type)) for event_type in DETAILS),
        parse_one(make_published("Bounce", feedbackId="another")),
        parse_one(make_published("Bounce", timestamp=later)),
        parse_one(make_published("Bounce", bouncedRecipients=[{"emailAddress": "bob@x.test"}])),
        parse_one(make_published("DeliveryDelay", timestamp=later)),
        parse_one(make_published("Open", userAgent="another")),
        parse_one(make_published("Click", link="https://school.test/other")),
        parse_one({**make_published("Send"), "mail": make_mail(messageId="another")}),
        parse_one({"eventType": "Novelty", "mail": make_mail()}),
        parse_one({"eventType": "Novelty", "mail": make_mail(), "novelty": {"n": 1}}),
    ]
    for one, other in combinations(events, 2):
        assert one.key != other.key


def test_the_spelling_of_an_instant_or_address_does_not_change_the_key() -> None:
    one = parse_one(make_published("Delivery", recipients=["Ann@X.test"], timestamp="2026-03-02T08:00:07Z"))
    other = parse_one(
        make_published("Delivery", recipients=["<ann@x.test>"], timestamp="2026-03-02T10:00:07.000+02:00")
    )
    assert one.key == other.key
    assert one.address == "Ann@X.test"


def test_unknown_types_are_kept() -> None:
    event = parse_one({"eventType": "SomethingNew", "mail": make_mail(), "": "odd", "somethingNew": {"x": 1}})
    assert (event.kind, event.code, event.address) == (MailEventKind.OTHER, "something_new", ADDRESS)
    assert event.message_id == MESSAGE_ID


def test_an_unknown_event_without_a_time_is_dated_by_its_publication() -> None:
    payload = {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed"}
    moments = [datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)]
    (first,), (again,) = (parse_events(payload, published_at=moment) for moment in moments)
    assert (first.kind, first.occurred_at, first.message_id) == (MailEventKind.OTHER, moments[0], "")
    assert first.key == again.key
    with pytest.raises(MalformedEvent):
        parse_events(payload)
