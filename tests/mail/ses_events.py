"""SES events as AWS documents them, made to measure.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
https://docs.aws.amazon.com/ses/latest/dg/notification-examples.html
"""

from collections.abc import Mapping
from typing import Any

from app.mail.events import parse_events
from app.mail.types import MailEvent

MAILED_AT = "2026-03-02T08:00:00.000Z"
HAPPENED_AT = "2026-03-02T08:00:07.250Z"
MESSAGE_ID = "0102018f3c5d7e90-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901-000000"
ADDRESS = "ann@x.test"

BOUNCE = {
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "bouncedRecipients": [
        {
            "emailAddress": ADDRESS,
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        }
    ],
    "timestamp": HAPPENED_AT,
    "feedbackId": "0102018f3c5d9999-aaaa-000000",
    "reportingMTA": "dsn; a8-70.smtp-out.amazonses.com",
}
COMPLAINT = {
    "complainedRecipients": [{"emailAddress": ADDRESS}],
    "timestamp": HAPPENED_AT,
    "feedbackId": "0102018f3c5d8888-bbbb-000000",
    "complaintSubType": None,
    "userAgent": "ExampleCorp Feedback Loop (V0.01)",
    "complaintFeedbackType": "abuse",
    "arrivalDate": HAPPENED_AT,
}
DELIVERY = {
    "timestamp": HAPPENED_AT,
    "processingTimeMillis": 7250,
    "recipients": [ADDRESS],
    "smtpResponse": "250 2.6.0 Message received",
    "reportingMTA": "a8-70.smtp-out.amazonses.com",
}
DELIVERY_DELAY = {
    "timestamp": HAPPENED_AT,
    "delayType": "TransientCommunicationFailure",
    "expirationTime": "2026-03-02T20:00:00.000Z",
    "delayedRecipients": [
        {"emailAddress": ADDRESS, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 no connection"}
    ],
}
OPEN = {"ipAddress": "192.0.2.1", "timestamp": HAPPENED_AT, "userAgent": "Mozilla/5.0"}
CLICK = {**OPEN, "link": "https://school.test/courses", "linkTags": {"place": ["footer"]}}
SUBSCRIPTION = {"contactList": "all", "timestamp": HAPPENED_AT, "source": "UnsubscribeHeader"}

DETAILS: dict[str, dict[str, dict[str, Any]]] = {
    "Send": {"send": {}},
    "Delivery": {"delivery": DELIVERY},
    "Bounce": {"bounce": BOUNCE},
    "Complaint": {"complaint": COMPLAINT},
    "DeliveryDelay": {"deliveryDelay": DELIVERY_DELAY},
    "Reject": {"reject": {"reason": "Bad content"}},
    "Rendering Failure": {"failure": {"errorMessage": "Attribute 'x' is not present", "templateName": "t"}},
    "Open": {"open": OPEN},
    "Click": {"click": CLICK},
    "Subscription": {"subscription": SUBSCRIPTION},
}


def make_mail(*destinations: str, **changes: Any) -> dict[str, Any]:
    return {
        "timestamp": MAILED_AT,
        "source": "Office <office@school.test>",
        "sourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/school.test",
        "sendingAccountId": "123456789012",
        "messageId": MESSAGE_ID,
        "destination": list(destinations or (ADDRESS,)),
        "headersTruncated": False,
        "headers": [{"name": "Subject", "value": "Hello"}],
        "commonHeaders": {"subject": "Hello", "to": list(destinations or (ADDRESS,))},
        "tags": {"ses:configuration-set": ["our-set"], "campaign_id": ["c-1"], "recipient_id": ["7"]},
        **changes,
    }


def make_published(event_type: str, *destinations: str, **changes: Any) -> dict[str, Any]:
    """Return an event as a configuration set's event destination publishes it."""
    (name, detail), *_ = DETAILS[event_type].items()
    return {"eventType": event_type, "mail": make_mail(*destinations), name: {**detail, **changes}}


def make_notification(event_type: str, *destinations: str, **changes: Any) -> dict[str, Any]:
    """Return an event as an identity's feedback notification: another name for the type, and no tags."""
    event = make_published(event_type, *destinations, **changes)
    mail = {name: value for name, value in event["mail"].items() if name != "tags"}
    rest = {name: value for name, value in event.items() if name not in {"eventType", "mail"}}
    return {"notificationType": event_type, "mail": mail, **rest}


def parse_one(payload: Mapping[str, Any]) -> MailEvent:
    """Return the one event that the payload is."""
    (event,) = parse_events(payload)
    return event
