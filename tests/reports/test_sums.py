"""The sums of the contract hold in every report, before, while and after things happen."""

from app.core.db import Database
from tests.campaigns.prepared import send_prepared
from tests.reports.happenings import make_campaign
from tests.reports.sums import check_sums
from tests.school import SchoolClient


async def test_they_hold_before_anything_happens(school: SchoolClient, database: Database) -> None:
    await school.push_users(3)
    stats = await check_sums(school.read, await send_prepared(school, database))
    assert (stats["queued"], stats["sent_rate"], stats["open_rate"]) == (3, 0.0, None)


async def test_they_hold_after_everything_has(school: SchoolClient, database: Database) -> None:
    campaign = await make_campaign(school, database)
    stats = await check_sums(school.read, campaign)
    assert (stats["recipients"], stats["sent"], stats["delivered"], stats["bounced"]) == (9, 7, 3, 2)
    assert (stats["failed"], stats["queued"], stats["opened"], stats["clicks"]) == (2, 1, 2, 3)
    assert (await school.http.delete("/v1/directory/users/u1")).status_code == 204
    assert await check_sums(school.read, campaign) == stats
