"""SNS events made durable a second by an API process, against a bare endpoint that verifies and discards.

`python -m benchmarks.feedback [--events 20000]`: real signatures, both answered to the same load generator.
"""

import argparse
import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from app.simulator.certificate import load_certificate
from app.simulator.settings import SimulatorSettings
from app.simulator.signing import MessageSigner
from benchmarks.advised import make_stack
from benchmarks.bare import run_bare
from benchmarks.figure import Figure
from benchmarks.load import run_load, write_requests
from benchmarks.mailed import EventsLost, Mailed, count, send_campaign
from benchmarks.processes import read_memory, read_stack_cpu, share_cpu, weigh_api
from benchmarks.progress import say
from benchmarks.serving import serve_api
from benchmarks.show import show_figures

FULL, GOAL, GOAL_RATIO = 20_000, 6000, 0.5
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


def measure(size: int, *, processes: int = 1) -> list[Figure]:
    """Measure with so many events and API processes, everything started for it and stopped."""
    with (
        make_stack() as stack,
        serve_api(stack, processes) as api,
    ):
        mailed = asyncio.run(send_campaign(stack, size))
        simulator = SimulatorSettings(certificate_dir=stack.directory)
        signer = MessageSigner(load_certificate(stack.directory), simulator.topic_arn, simulator.region)
        warm, rest = stack.directory / "warm", stack.directory / "rest"
        first = max(1, size // 10)
        write_requests(warm, make_requests(signer, mailed, range(1, first + 1)))
        write_requests(rest, make_requests(signer, mailed, range(first + 1, size + 1)))
        say(f"api before      {read_memory(api.process)}")
        run_load(warm, port=api.port)
        cpu = read_stack_cpu(stack, api=api.process)
        ours = run_load(rest, port=api.port)
        used = read_stack_cpu(stack, api=api.process) | {"load": ours.cpu}
        say(f"api after       {read_memory(api.process)}")
        memory = weigh_api(api.process, after="events", size=size)
        with run_bare(stack, processes) as port:
            run_load(warm, port=port)
            bare = run_load(rest, port=port)
        ours.show("made durable", status="200")
        bare.show("bare endpoint", status="200")
        if (durable := asyncio.run(count(mailed, "delivered"))) != size:
            raise EventsLost(f"{durable:,} of {size:,} events are durable")
    speed = Figure(
        "SNS events made durable",
        ours.rate,
        "events/s",
        size,
        # A process alone has to reach it: several together are asked for nothing.
        goal=GOAL if processes == 1 else None,
        baseline=bare.rate,
        baseline_name="verifies and discards",
        ratio_goal=GOAL_RATIO,
        goal_size=FULL,
        spent=share_cpu(cpu, used, size - first, api=processes),
    )
    return [speed, memory]


def main() -> int:
    """Measure and print; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=FULL)
    parser.add_argument("--processes", type=int, default=1, help="of the API, and of the baseline")
    given = parser.parse_args()
    return show_figures(measure(given.events, processes=given.processes))


if __name__ == "__main__":
    raise SystemExit(main())
