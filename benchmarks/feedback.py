"""SNS events made durable a second by one API process, against a bare endpoint that verifies and discards.

`python -m benchmarks.feedback [--events 20000]`: real signatures, both answered to the same load generator.
"""

import argparse
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from app.demo.stack import Stack
from app.simulator.certificate import load_certificate
from app.simulator.settings import SimulatorSettings
from app.simulator.signing import MessageSigner
from benchmarks.bare import run_bare
from benchmarks.load import run_load, write_requests
from benchmarks.mailed import Mailed, count, send_campaign
from benchmarks.processes import read_memory

GOAL, GOAL_RATIO = 6000, 0.5
SUBSCRIPTION = "arn:aws:sns:us-east-1:123456789012:topic:subscription"


def make_event(mailed: Mailed, number: int) -> bytes:
    """Return a Delivery as SES publishes it."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    address = f"user{number}@school.example"
    event = {
        "eventType": "Delivery",
        "mail": {
            "timestamp": at,
            "source": "News <news@school.example>",
            "messageId": f"m{number}",
            "destination": [address],
            "headersTruncated": False,
            "headers": [{"name": "To", "value": address}, {"name": "Subject", "value": "Hello"}],
            "tags": {
                "ses:configuration-set": ["campaigns"],
                "school_id": [str(mailed.school_id)],
                "campaign_id": [str(mailed.campaign_id)],
                "recipient_id": [str(number)],
            },
        },
        "delivery": {
            "timestamp": at,
            "processingTimeMillis": 511,
            "recipients": [address],
            "smtpResponse": "250 2.0.0 OK",
            "reportingMTA": "a8-50.smtp-out.amazonses.com",
        },
    }
    return orjson.dumps(event)


def make_requests(signer: MessageSigner, mailed: Mailed, numbers: range) -> Iterator[bytes]:
    """Yield signed POSTs, as SNS sends them."""
    for number in numbers:
        message = signer.sign_notification(make_event(mailed, number).decode(), 2, SUBSCRIPTION)
        yield (
            b"POST /webhooks/ses HTTP/1.1\r\nHost: campaigns\r\nContent-Type: text/plain; charset=UTF-8\r\n"
            + f"x-amz-sns-message-type: Notification\r\nContent-Length: {len(message.body)}\r\n\r\n".encode()
            + message.body
        )


def measure(stack: Stack, events: int) -> bool:
    """Print the figures; tell whether the goals were reached."""
    process = next(each for each in stack.processes if each.name == "api").popen.pid
    mailed = asyncio.run(send_campaign(stack, events))
    simulator = SimulatorSettings(certificate_dir=stack.directory)
    signer = MessageSigner(load_certificate(stack.directory), simulator.topic_arn, simulator.region)
    warm, rest = stack.directory / "warm", stack.directory / "rest"
    first = max(1, events // 10)
    write_requests(warm, make_requests(signer, mailed, range(1, first + 1)))
    write_requests(rest, make_requests(signer, mailed, range(first + 1, events + 1)))
    print(f"api before      {read_memory(process)}")
    run_load(warm, port=stack.api_port)
    ours = run_load(rest, port=stack.api_port)
    print(f"api after       {read_memory(process)}")
    with run_bare(stack.environment) as port:
        run_load(warm, port=port)
        bare = run_load(rest, port=port)
    ratio = ours.rate / bare.rate
    ours.show("made durable", status="200")
    bare.show("bare endpoint", status="200")
    assert asyncio.run(count(mailed, "delivered")) == events
    print(f"ratio           {ratio:10.2f}   goals: {GOAL:,}/s and {GOAL_RATIO}")
    return ours.rate >= GOAL and ratio >= GOAL_RATIO


def main() -> int:
    """Start what is needed, measure, stop it; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    given = parser.parse_args()
    with Stack(workers=0) as stack:
        return 0 if measure(stack, given.events) else 1


if __name__ == "__main__":
    raise SystemExit(main())
