"""Taking people out before their turn: recipients fall by one, exclusions rise by one, once."""

from app.core.db import Database
from app.recipients.exclude import exclude_recipients
from app.recipients.facts import FactKind as K
from tests.recipients.campaign import Campaign, event_key, make_campaign
from tests.recipients.test_freeze import read_exclusions


async def exclude(campaign: Campaign, **reasons: str) -> None:
    async with campaign.database.connection() as connection:
        await exclude_recipients(
            connection,
            campaign.school_id,
            campaign.id,
            reasons={int(name.removeprefix("number")): reason for name, reason in reasons.items()},
        )


async def test_the_queued_move_with_their_reason(database: Database) -> None:
    campaign = await make_campaign(database, recipients=4)
    await exclude(campaign, number2="suppressed", number3="unsubscribed", number4="unsubscribed")
    assert list(await campaign.rows()) == [1]
    assert await read_exclusions(campaign) == [
        (2, "u2", "u2@x.example", "U", "suppressed"),
        (3, "u3", "u3@x.example", "U", "unsubscribed"),
        (4, "u4", "u4@x.example", "U", "unsubscribed"),
    ]
    counters = await campaign.counters()
    assert (counters["recipients"], counters["suppressed_excluded"], counters["unsubscribed_excluded"]) == (
        1,
        1,
        2,
    )
    await campaign.check_counters()


async def test_who_was_handed_off_or_may_have_been_stays(database: Database) -> None:
    campaign = await make_campaign(database, recipients=3)
    await campaign.record(campaign.fact(K.ACCEPTED, number=1), campaign.fact(K.UNKNOWN, number=2))
    await exclude(campaign, number1="suppressed", number2="suppressed", number3="suppressed")
    assert await campaign.statuses() == ["accepted", "unknown"]
    counters = await campaign.counters()
    assert (counters["recipients"], counters["suppressed_excluded"]) == (2, 1)
    await campaign.check_counters()


async def test_once_is_enough_and_other_campaigns_are_left_alone(database: Database) -> None:
    campaign = await make_campaign(database, recipients=2)
    other = await make_campaign(database, recipients=2, school_id=campaign.school_id)
    for _ in range(2):
        await exclude(campaign, number1="unsubscribed", number99="unsubscribed")
    assert (await campaign.counters())["unsubscribed_excluded"] == 1
    assert len(await other.rows()) == 2
    assert (await other.counters())["recipients"] == 2


async def test_who_left_after_a_doubtful_hand_off_stays_a_recipient(database: Database) -> None:
    """They had the mail, or they could not have left by it: sending again must not take them out."""
    campaign = await make_campaign(database)
    await campaign.record(
        campaign.fact(K.UNKNOWN),
        campaign.fact(K.UNSUBSCRIBED, at=1, key=event_key(1)),
        campaign.fact(K.REQUEUED, at=2, attempt=2),
    )
    await exclude(campaign, number1="unsubscribed")
    assert await campaign.statuses() == ["accepted"]
    counters = await campaign.counters()
    assert (counters["recipients"], counters["unsubscribed"], counters["unsubscribed_excluded"]) == (1, 1, 0)
    await campaign.check_counters()
