"""The pixel: an open is durable before the image is answered, and nothing else ever is."""

import asyncio

import httpx
import pytest

from app.core.ids import new_id
from app.core.signing import Purpose, RecipientRef, Signer
from app.recipients.facts import FactKind
from app.tracking.routes import GIF
from tests.recipients.campaign import make_campaign
from tests.tracking.mailing import FIREFOX, Mailing


def check_image(answer: httpx.Response) -> None:
    """Assert that this is the gif, not to be kept by anyone."""
    assert answer.status_code == 200
    headers = answer.headers
    assert headers["content-type"] == "image/gif"
    assert "no-store" in headers["cache-control"]
    assert headers["referrer-policy"] == "no-referrer"


async def test_an_open_is_in_the_report_when_the_image_arrives(mailing: Mailing) -> None:
    answer = await mailing.open()
    check_image(answer)
    assert answer.content == GIF
    person = await mailing.recipient()
    assert (person["opened"], person["open_count"], person["machine_opened"]) == (True, 1, False)
    assert person["highlight"] == "success"
    stats = await mailing.stats()
    assert (stats["opened"], stats["opens"], stats["opened_by_click"], stats["clicked"]) == (1, 1, 0, 0)


async def test_every_load_counts_and_people_count_once(mailing: Mailing) -> None:
    await asyncio.gather(*(mailing.open() for _ in range(5)), mailing.open(number=2))
    stats = await mailing.stats()
    assert (stats["opened"], stats["opens"]) == (2, 6)
    person = await mailing.recipient()
    assert person["open_count"] == 5
    assert person["first_opened_at"] <= person["last_opened_at"]
    await mailing.campaign.check_counters()


async def test_a_token_that_is_not_ours_gets_the_same_image_and_records_nothing(mailing: Mailing) -> None:
    good = mailing.token(Purpose.OPEN)
    ref = RecipientRef(mailing.campaign.school_id, mailing.campaign.id, 1)
    forged = [
        good[:-1],
        good + "A",
        ("B" if good[0] == "A" else "A") + good[1:],
        good[:-1] + ("A" if good[-1] != "A" else "Q"),
        Signer(["a-foreign-key-0123456789-abcdefghij"]).sign(Purpose.OPEN, ref),
        mailing.token(Purpose.CLICK),
        mailing.token(Purpose.UNSUBSCRIBE),
        "x",
        "%00",
        "é" * 71,
    ]
    for token in forged:
        answer = await mailing.public.get(f"/o/{token}.gif", headers={"User-Agent": FIREFOX})
        check_image(answer)
        assert answer.content == GIF
    assert await mailing.campaign.history() == []
    assert (await mailing.stats())["opens"] == 0


async def test_a_signed_token_of_nobody_records_nothing(mailing: Mailing) -> None:
    check_image(await mailing.open(number=99))
    ref = RecipientRef(new_id(), new_id(), 1)
    check_image(await mailing.public.get(f"/o/{mailing.app.state.signer.sign(Purpose.OPEN, ref)}.gif"))
    assert await mailing.campaign.history() == []


async def test_another_schools_campaign_is_reached_by_no_number_of_ours(mailing: Mailing) -> None:
    ref = RecipientRef(new_id(), mailing.campaign.id, 1)
    check_image(await mailing.public.get(f"/o/{mailing.app.state.signer.sign(Purpose.OPEN, ref)}.gif"))
    assert (await mailing.stats())["opens"] == 0


@pytest.mark.parametrize(
    ("agent", "method"), [("Mozilla/5.0", "GET"), ("curl/8.5.0", "GET"), (FIREFOX, "HEAD"), ("", "GET")]
)
async def test_a_machine_is_kept_apart(mailing: Mailing, agent: str, method: str) -> None:
    check_image(await mailing.open(agent=agent, method=method))
    person, stats = await mailing.recipient(), await mailing.stats()
    assert (person["opened"], person["machine_opened"], person["first_opened_at"]) == (False, True, None)
    assert (stats["opened"], stats["opens"], stats["machine_opened"]) == (0, 0, 1)
    (event,) = await mailing.campaign.history()
    assert (event["kind"], bool(event["machine"])) == ("open", True)


async def test_a_person_after_a_machine_is_an_open(mailing: Mailing) -> None:
    await mailing.open(agent="Mozilla/5.0")
    await mailing.open()
    stats = await mailing.stats()
    assert (stats["opened"], stats["opens"], stats["machine_opened"]) == (1, 1, 1)


async def test_an_open_proves_that_the_mail_was_accepted(mailing: Mailing) -> None:
    doubtful = await make_campaign(mailing.campaign.database)
    await doubtful.record(doubtful.fact(FactKind.UNKNOWN))
    ref = RecipientRef(doubtful.school_id, doubtful.id, 1)
    await mailing.public.get(f"/o/{mailing.app.state.signer.sign(Purpose.OPEN, ref)}.gif")
    assert await doubtful.statuses() == ["accepted"]
