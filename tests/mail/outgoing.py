"""Emails to send, and what SES says of them."""

from app.mail.ses import SesMail
from app.mail.types import OutcomeKind, OutgoingBatch, OutgoingEmail, SingleEmail
from tests.mail.ses_server import Answer, answer_json


def make_batch(
    *addresses: str, html: str = "<p>{{name}}</p>", sender: str = "office@school.test"
) -> OutgoingBatch:
    emails = tuple(
        OutgoingEmail(address, {"name": "Ann"}, {"X-Mark": "1"}, {"recipient_id": str(number)})
        for number, address in enumerate(addresses)
    )
    return OutgoingBatch(sender, "School", None, "Hi {{name}}", html, "Hi {{name}}", emails)


def make_single(address: str = "a@x.test", sender: str = "office@school.test") -> SingleEmail:
    return SingleEmail(sender, "School", None, address, "Hi", "<p>Hi</p>", "Hi")


def results(*statuses: str) -> Answer:
    entries = [{"Status": status, "MessageId": f"id-{place}"} for place, status in enumerate(statuses)]
    return answer_json({"BulkEmailEntryResults": entries})


async def send(mail: SesMail, *addresses: str) -> tuple[OutcomeKind, ...]:
    """Send a batch to the addresses and return the kind of each outcome."""
    return tuple(outcome.kind for outcome in await mail.send_batch(make_batch(*addresses)))
