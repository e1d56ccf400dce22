"""SNS as it behaves at its worst: retried, refused, twice, late, in disorder, and held."""

from collections import Counter
from typing import Any

import pytest

from app.simulator.client import SimulatorClient
from tests.simulator.living import NOBODY, QUICK, live, send_all
from tests.simulator.product import Product

pytestmark = pytest.mark.anyio


async def test_failed_notifications_are_tried_again(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await simulator.subscribe(product.webhook)
    product.failures = [503, 429, 500]
    await simulator.change_settings(behaviour=QUICK | NOBODY)
    await send_all(ses, product, ["a@example.com"])
    assert (await simulator.settle()).settled
    assert product.count_events() == {"Send": 1, "Delivery": 1}
    assert (await simulator.get_ledger()).notifications["retried"] == 3


async def test_a_refused_notification_is_given_up(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await simulator.subscribe(product.webhook)
    product.failures = [403]
    await simulator.change_settings(behaviour=QUICK | NOBODY)
    await send_all(ses, product, ["a@example.com"])
    await simulator.settle()
    assert product.count_events().total() == 1
    assert (await simulator.get_ledger()).notifications["refused"] == 1


async def test_retries_end(ses: Any, simulator: SimulatorClient, product: Product) -> None:
    await simulator.subscribe(product.webhook)
    product.failures = [500] * 6
    await simulator.change_settings(behaviour=QUICK | NOBODY, sns={"retries": 2})
    await send_all(ses, product, ["a@example.com"])
    await simulator.settle()
    assert (await simulator.get_ledger()).notifications["abandoned"] == 2


async def test_notifications_may_come_twice_late_and_in_disorder(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    disorder = {"duplicated": 1, "late": 0.5, "late_seconds": 0.05, "shuffle_seconds": 0.3}
    await simulator.change_settings(sns=disorder)
    await live(simulator, ses, product, [f"p{n}@example.com" for n in range(30)])
    assert product.count_events() == {"Send": 60, "Delivery": 60}
    notifications = [message for message in product.messages if message["Type"] == "Notification"]
    assert set(Counter(message["MessageId"] for message in notifications).values()) == {2}
    timestamps = [event["mail"]["tags"]["recipient_id"][0] for event in product.events]
    assert timestamps != sorted(timestamps, key=int)


async def test_a_paused_topic_holds_and_then_delivers(
    ses: Any, simulator: SimulatorClient, product: Product
) -> None:
    await simulator.subscribe(product.webhook)
    await simulator.change_settings(behaviour=QUICK | NOBODY, sns={"paused": True})
    await send_all(ses, product, ["a@example.com"])
    settled = await simulator.settle()
    assert (settled.settled, settled.pending.held, product.events) == (True, 2, [])
    await simulator.change_settings(sns={"paused": False})
    await simulator.settle()
    assert product.count_events() == {"Send": 1, "Delivery": 1}
