"""The world: events and visits, and a ledger equal to what the product saw."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from app.simulator.client import SimulatorClient
from app.simulator.ledger import Totals
from tests.simulator.calls import make_call, make_entry, make_single
from tests.simulator.living import NOBODY, QUICK, live, send_all
from tests.simulator.product import Product, is_human

pytestmark = pytest.mark.anyio


async def test_addresses_force_an_outcome(ses: Any, simulator: SimulatorClient, product: Product) -> None:
    addresses = [
        "success@simulator.amazonses.com",
        "bounce+label@simulator.amazonses.com",
        "softbounce@example.com",
        "complaint@simulator.amazonses.com",
        "ooto+1@simulator.amazonses.com",
        "reject@example.com",
        "suppressionlist@simulator.amazonses.com",
        "anybody@example.com",
    ]
    report = await live(simulator, ses, product, addresses)
    facts = {summary.address.split("@")[0]: summary.facts for summary in report.recipients}
    assert facts == {
        "success": ("delivered",),
        "bounce+label": ("bounced",),
        "softbounce": ("soft_bounced",),
        "complaint": ("delivered", "complained"),
        "ooto+1": ("delivered", "out_of_office"),
        "reject": ("rejected",),
        "suppressionlist": ("bounced",),
        "anybody": ("delivered",),
    }
    bounces = {
        event["mail"]["destination"][0].split("@")[0]: (
            event["bounce"]["bounceType"],
            event["bounce"]["bounceSubType"],
        )
        for event in product.events
        if event["eventType"] == "Bounce"
    }
    assert bounces["suppressionlist"] == ("Permanent", "Suppressed")
    assert bounces["bounce+label"][0] == "Permanent"
    assert bounces["softbounce"][0] == "Transient"
    assert bounces["ooto+1"] == ("Transient", "General")


async def test_events_have_the_shape_of_event_publishing(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await live(simulator, ses, product, ["a@example.com"], delayed=1)
    assert product.count_events() == {"Send": 1, "DeliveryDelay": 1, "Delivery": 1}
    [mail] = await simulator.list_mail()
    for event in product.events:
        assert event["mail"]["messageId"] == mail.message_id
        assert event["mail"]["tags"]["recipient_id"] == ["0"]
        assert event["mail"]["tags"]["ses:configuration-set"] == ["campaigns"]
        assert event["mail"]["commonHeaders"]["subject"] == "Hi Person 0"
    delivery = next(event["delivery"] for event in product.events if event["eventType"] == "Delivery")
    assert delivery["recipients"] == ["a@example.com"]


async def test_a_missing_variable_is_accepted_and_fails_later(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await simulator.change_settings(behaviour=QUICK | NOBODY)
    await simulator.subscribe(product.webhook)
    entry = make_entry("a@example.com")
    entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"] = "{}"
    answer = await ses.send_bulk_email(**make_call(entry))
    assert answer["BulkEmailEntryResults"][0]["Status"] == "SUCCESS"
    await simulator.settle()
    [event] = product.events
    assert event["eventType"] == "Rendering Failure"
    assert event["failure"]["errorMessage"] == "Attribute 'name' is not present in the rendering data."
    assert (await simulator.get_ledger()).totals.rendering_failed == 1
    assert await simulator.list_mail() == []


async def test_without_a_configuration_set_nobody_hears(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await simulator.change_settings(behaviour=QUICK | NOBODY)
    await simulator.subscribe(product.webhook)
    call = make_single("a@example.com")
    del call["ConfigurationSetName"]
    await ses.send_email(**call)
    await simulator.settle()
    assert product.events == []
    assert (await simulator.get_ledger()).totals.delivered == 1


async def test_shares_come_out_and_the_ledger_is_what_the_product_saw(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    shares = {
        "bounced": 0.1,
        "soft_bounced": 0.1,
        "rejected": 0.05,
        "delayed": 0.1,
        "complained": 0.05,
        "out_of_office": 0.05,
        "opened": 0.6,
        "clicked": 0.3,
        "unsubscribed": 0.1,
        "prefetched": 0.3,
        "scanned": 0.2,
    }
    report = await live(simulator, ses, product, [f"p{n}@example.com" for n in range(400)], **shares)
    totals, events = report.totals, product.count_events()

    assert (totals.accepted, totals.recipients, totals.duplicates) == (400, 400, 0)
    assert totals.delivered + totals.bounced + totals.soft_bounced + totals.rejected == 400
    assert 20 <= totals.bounced <= 60
    assert 0.45 <= (totals.opened + totals.opened_by_click) / totals.delivered <= 0.75
    assert events["Delivery"] == totals.delivered
    assert events["Bounce"] == totals.bounced + totals.soft_bounced + totals.out_of_office
    assert events["Complaint"] == totals.complained
    assert events["Reject"] == totals.rejected
    assert events["DeliveryDelay"] == totals.delayed
    assert events.total() == totals.events == report.notifications["published"]

    _expect_visits(totals, product)


def _expect_visits(totals: Totals, product: Product) -> None:
    opened, clicked = product.find_people("open", 200), product.find_people("click", 302)
    hits = Counter((hit.place, hit.method) for hit in product.hits if is_human(hit))
    machines = [hit for hit in product.hits if not is_human(hit)]
    assert (len(opened), hits["open", "GET"]) == (totals.opened, totals.opens)
    assert (len(clicked), hits["click", "GET"]) == (totals.clicked, totals.clicks)
    assert len(clicked - opened) == totals.opened_by_click > 0
    assert totals.opens > totals.opened
    posts = [hit for hit in product.hits if hit.method == "POST"]
    assert {hit.body for hit in posts} == {"List-Unsubscribe=One-Click"}
    assert len({hit.recipient for hit in posts}) == totals.unsubscribed > 0
    assert len(machines) == totals.machine_requests
    assert {hit.method for hit in machines} == {"GET", "HEAD"}
    assert {hit.recipient for hit in machines if hit.place == "open"} != set()
    assert len({hit.recipient for hit in machines if hit.place == "open"}) == totals.machine_opened
    assert len({hit.recipient for hit in machines if hit.place == "click"}) == totals.machine_clicked
    assert totals.unanswered == 0


async def test_a_second_acceptance_is_a_duplicate(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await send_all(ses, product, ["a@example.com", "b@example.com"])
    await send_all(ses, product, ["a@example.com"])
    report = await simulator.get_ledger("campaign-1", recipients=1)
    assert (report.totals.accepted, report.totals.recipients, report.totals.duplicates) == (3, 2, 1)
    assert len(report.recipients[0].message_ids) == 2
    assert (await simulator.get_ledger("another")).totals.accepted == 0


async def test_visits_go_nowhere_but_to_the_product(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await simulator.change_settings(
        public_url="http://127.0.0.1:9", behaviour=QUICK | NOBODY | {"opened": 1, "clicked": 1, "scanned": 1}
    )
    await send_all(ses, product, ["a@example.com"])
    await simulator.settle()
    totals = (await simulator.get_ledger()).totals
    assert product.hits == []
    assert (totals.delivered, totals.opened, totals.clicked, totals.machine_requests) == (1, 0, 0, 0)


async def test_settling_gives_up_in_time(ses: Any, simulator: SimulatorClient, product: Product) -> None:
    await simulator.change_settings(behaviour=QUICK | NOBODY | {"latency_seconds": 1000})
    await send_all(ses, product, ["a@example.com"])
    settled = await simulator.settle(timeout_seconds=0.05)
    assert (settled.settled, settled.pending.steps) == (False, 1)
    await simulator.reset()
    async with asyncio.timeout(5):
        assert (await simulator.settle()).settled


async def test_visits_without_a_useful_answer_are_not_counted_as_made(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    everything = {"opened": 1, "clicked": 1, "unsubscribed": 1, "prefetched": 1, "scanned": 1}
    await simulator.change_settings(public_url=product.url, behaviour=QUICK | NOBODY | everything)
    entries = [make_entry(f"p{number}@example.com", number, f"{product.url}/missing") for number in range(20)]
    await ses.send_bulk_email(**make_call(*entries))
    await simulator.settle()
    totals = (await simulator.get_ledger()).totals
    assert (totals.opened, totals.clicked, totals.unsubscribed, totals.machine_opened) == (0, 0, 0, 0)
    assert totals.unanswered >= 2 * 20
    assert totals.machine_requests == 20 * 4
