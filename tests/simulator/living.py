"""A quick world in which nothing happens unless a test says so."""

from typing import Any

from app.simulator.client import LedgerReport, SimulatorClient
from tests.simulator.calls import make_call, make_entry
from tests.simulator.product import Product

QUICK = {"enabled": True, "latency_seconds": 0.01, "reading_floor_seconds": 0.01, "reading_seconds": 0.01}
NOBODY = {
    "bounced": 0,
    "soft_bounced": 0,
    "rejected": 0,
    "delayed": 0,
    "complained": 0,
    "out_of_office": 0,
    "opened": 0,
    "clicked": 0,
    "unsubscribed": 0,
    "prefetched": 0,
    "scanned": 0,
}


async def send_all(ses: Any, product: Product, addresses: list[str]) -> None:
    """Send to each address, numbered from 0, in calls of 50."""
    entries = [make_entry(address, number, product.url) for number, address in enumerate(addresses)]
    for start in range(0, len(entries), 50):
        await ses.send_bulk_email(**make_call(*entries[start : start + 50]))


async def live(
    simulator: SimulatorClient, ses: Any, product: Product, addresses: list[str], **behaviour: Any
) -> LedgerReport:
    """Send with this behaviour, wait until the world is done, return the ledger."""
    await simulator.change_settings(public_url=product.url, behaviour=QUICK | NOBODY | behaviour)
    assert (await simulator.subscribe(product.webhook)).confirmed
    await send_all(ses, product, addresses)
    assert (await simulator.settle()).settled
    return await simulator.get_ledger("campaign-1", recipients=len(addresses))
