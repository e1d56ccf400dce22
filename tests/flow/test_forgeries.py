"""What is forged, replayed or meant for another topic changes nothing that anybody can see."""

import re
from datetime import datetime
from typing import Any

import httpx
import orjson
import pytest

from app.core.clock import now
from app.recipients.machine import SOONEST
from app.simulator.certificate import load_certificate
from app.simulator.client import SimulatorClient
from app.simulator.mailbox import RenderedMail
from app.simulator.settings import SimulatorSettings
from app.simulator.signing import MessageSigner
from tests.flow.deployment import QUIET, Deployment
from tests.mail.ses_events import make_mail, make_published
from tests.school import SchoolClient
from tests.waiting import eventually

PERSON = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


async def send_to_one(deployment: Deployment, school: SchoolClient) -> tuple[dict[str, Any], RenderedMail]:
    """Send to one person, to whom nothing happens but delivery; return the campaign and the mail."""
    await deployment.world.change_settings(behaviour=QUIET)
    await school.push_users(1, marketing="subscribed")
    sent = await school.send()
    campaign = await deployment.rest(school, sent["id"])
    (mail,) = await deployment.world.list_mail("user1@school.example", limit=1)
    return campaign, mail


def make_bounce(school: SchoolClient, campaign: dict[str, Any]) -> dict[str, Any]:
    """Return the event of a permanent bounce of the campaign's first recipient."""
    tags = {
        "school_id": [str(school.id)],
        "campaign_id": [campaign["id"]],
        "recipient_id": ["1"],
        "ses:configuration-set": ["campaigns"],
    }
    bounced = [{"emailAddress": "user1@school.example", "action": "failed", "status": "5.1.1"}]
    event = make_published("Bounce", "user1@school.example", bouncedRecipients=bounced)
    return event | {"mail": make_mail("user1@school.example", tags=tags, messageId="forged-1")}


async def post_event(deployment: Deployment, body: bytes) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as sns:
        return await sns.post(
            f"{deployment.stack.api_url}/webhooks/ses",
            content=body,
            headers={"Content-Type": "text/plain; charset=UTF-8"},
        )


async def sign(world: SimulatorClient, event: dict[str, Any], version: int) -> dict[str, Any]:
    await world.change_settings(sns={"signature_version": version})
    message: dict[str, Any] = orjson.loads(await world.sign(event))
    return message


@pytest.mark.parametrize("version", [1, 2])
async def test_forged_events_are_refused_alike(
    deployment: Deployment, school: SchoolClient, version: int
) -> None:
    campaign, _ = await send_to_one(deployment, school)
    path = f"/v1/campaigns/{campaign['id']}"
    before = (await school.read(path), await school.read(f"{path}/recipients"))
    delivery = make_bounce(school, campaign) | {"eventType": "Delivery"}
    signed = await sign(deployment.world, delivery, version)
    bounce = orjson.dumps(make_bounce(school, campaign)).decode()
    url = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-00112233445566778899aabbccddeeff.pem"
    forgeries = [
        signed | {"Message": bounce},
        signed | {"MessageId": "another", "Message": bounce},
        signed | {"Signature": signed["Signature"][:-8] + "AAAAAAA=", "Message": bounce},
        signed | {"Signature": "", "Message": bounce},
        signed | {"SigningCertURL": "https://sns.us-east-1.amazonaws.com.evil.example/a.pem"},
        signed | {"SigningCertURL": url.replace("https", "http")},
        signed | {"SignatureVersion": "3"},
        signed | {"SignatureVersion": str(3 - version)},
    ]
    answers = [await post_event(deployment, orjson.dumps(forged)) for forged in forgeries]
    assert [answer.status_code for answer in answers] == [403] * len(forgeries)
    assert len({answer.content for answer in answers}) == 1
    assert (await school.read(path), await school.read(f"{path}/recipients")) == before


async def test_another_topic_is_refused_though_well_signed(
    deployment: Deployment, school: SchoolClient
) -> None:
    campaign, _ = await send_to_one(deployment, school)
    certificate = load_certificate(deployment.stack.directory)
    sim = SimulatorSettings(certificate_dir=deployment.stack.directory)
    event = orjson.dumps(make_bounce(school, campaign)).decode()
    other = MessageSigner(certificate, f"{sim.topic_arn}-of-another", sim.region)
    refused = await post_event(deployment, other.sign_notification(event, 2, "arn").body)
    assert refused.status_code == 403
    seen = await school.read(f"/v1/campaigns/{campaign['id']}")
    assert seen["stats"] == campaign["stats"]
    # The very same event from our own topic is taken: it was the topic alone.
    ours = MessageSigner(certificate, sim.topic_arn, sim.region)
    taken = await post_event(deployment, ours.sign_notification(event, 2, "arn").body)
    assert taken.status_code == 200
    assert (await school.read(f"/v1/campaigns/{campaign['id']}"))["stats"]["bounced_permanent"] == 1


async def test_replayed_event_counts_once(deployment: Deployment, school: SchoolClient) -> None:
    campaign, _ = await send_to_one(deployment, school)
    event = make_bounce(school, campaign)
    body = await deployment.world.sign(event)
    assert (await post_event(deployment, body)).status_code == 200
    path = f"/v1/campaigns/{campaign['id']}"
    once = (await school.read(path), await school.read(f"{path}/recipients"))
    assert once[0]["stats"]["bounced_permanent"] == 1
    signed_anew = await deployment.world.sign(event)
    for again in (body, body, signed_anew):
        assert (await post_event(deployment, again)).status_code == 200
    assert (await school.read(path), await school.read(f"{path}/recipients")) == once


def find(pattern: str, text: str | None) -> str:
    found = re.search(pattern, text or "")
    assert found is not None
    return found[0]


def spoil(url: str) -> list[str]:
    """Return the URL with its token changed in ways a forger might try."""
    token = find(r"[A-Za-z0-9_-]{71}", url)
    other = "A" if token[40] != "A" else "B"
    last = "A" if token[-1] != "A" else "B"
    changed = [
        token[:40] + other + token[41:],
        token[:-1] + last,
        token[:-1],
        token + "A",
        "A" * len(token),
        token.swapcase(),
    ]
    return [url.replace(token, each) for each in changed]


async def wait_for_a_reader(school: SchoolClient, campaign: dict[str, Any]) -> None:
    """Wait until a click is not too soon after the delivery to be a person's."""
    person = await school.read(f"/v1/campaigns/{campaign['id']}/recipients/1")
    (delivered,) = [event["at"] for event in person["events"] if event["kind"] == "delivered"]

    async def is_later() -> bool:
        return now() > datetime.fromisoformat(delivered) + SOONEST

    await eventually(is_later, bool)


async def test_forged_tokens_record_nothing(deployment: Deployment, school: SchoolClient) -> None:
    campaign, mail = await send_to_one(deployment, school)
    pixel = find(r"http[^\"]+/o/[^\"]+\.gif", mail.html)
    link = find(r"http[^\"]+/c/[^\"]+", mail.html)
    leave = find(r"http[^>]+", mail.headers["List-Unsubscribe"])
    swapped = {
        kind: find(r"[A-Za-z0-9_-]{71}", url) for kind, url in {"o": pixel, "c": link, "u": leave}.items()
    }
    one_click = {"List-Unsubscribe": "One-Click"}
    async with httpx.AsyncClient(trust_env=False, headers={"User-Agent": PERSON}) as person:
        for url in [*spoil(pixel), pixel.replace(swapped["o"], swapped["c"])]:
            answer = await person.get(url)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        for url in [*spoil(link), link.replace(swapped["c"], swapped["o"]), f"{link}9", f"{link}/../x"]:
            assert (await person.get(url)).status_code == 404
        for url in [*spoil(leave), leave.replace(swapped["u"], swapped["c"])]:
            assert (await person.post(url, data=one_click)).status_code == 404
            assert (await person.get(url)).status_code == 404
        assert (await person.get(leave)).status_code == 200  # a page: looking changes nothing
        seen = await school.read(f"/v1/campaigns/{campaign['id']}")
        assert seen["stats"] == campaign["stats"]
        assert (await person.get(pixel)).status_code == 200
        await wait_for_a_reader(school, campaign)
        clicked = await person.get(link)
        assert clicked.status_code == 302
        assert clicked.headers["location"] == "https://school.example/a?x=1&y=2"
        assert (await person.post(leave, data=one_click)).status_code == 200
    stats = (await school.read(f"/v1/campaigns/{campaign['id']}"))["stats"]
    counted = ("opened", "opens", "clicked", "clicks", "unsubscribed", "machine_opened", "machine_clicked")
    assert [stats[name] for name in counted] == [1, 1, 1, 1, 1, 0, 0]
