"""A campaign goes out: one email each, every status settled, whatever is asked for in between."""

import pytest

from app.delivery.jobs import Delivery
from app.simulator.client import SimulatorClient
from tests.school import SchoolClient
from tests.waiting import eventually

# Emptied before a school is made: turns and sweeps look across schools.
pytestmark = pytest.mark.usefixtures("empty_database")


async def test_everybody_gets_one(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient
) -> None:
    await school.push_users(120, marketing="subscribed")
    campaign = await school.send()
    await delivery.sweep()
    done = await eventually(
        lambda: school.read(f"/v1/campaigns/{campaign['id']}"), lambda seen: seen["stats"]["sent"] == 120
    )
    ledger = await simulator.get_ledger(campaign["id"])
    assert (ledger.totals.accepted, ledger.totals.recipients) == (120, 120)
    assert done["stats"]["pending"] == 120
    await delivery.sweep()
    assert (await school.read(f"/v1/campaigns/{campaign['id']}"))["status"] == "sent"
