"""The sweep: what time, crashes and silence make of batches and campaigns."""

import asyncio
import hashlib
import random
from datetime import UTC, datetime, timedelta

import pytest

from app.core.clock import now
from app.core.db import Database
from app.delivery import reconciling, sweeps
from app.delivery.fairness import Turn
from app.delivery.reconciling import settle_unknown
from app.delivery.settlement import settle
from app.delivery.settling import write_settlements
from app.mail.types import Outcome, OutcomeKind
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts
from tests.delivery.campaigns import (
    CONFIGURATION_SET,
    claim,
    claim_some,
    end_leases,
    hear_events,
    hear_of_accepted,
    list_batches,
    open_campaign,
    read_campaign,
    run_sql,
)
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


async def sweep(
    database: Database, *, reconcile_after: int = 900, held_until: datetime | None = None
) -> None:
    async with database.connection() as connection:
        await sweeps.start_scheduled(connection, max_lateness_minutes=360)
        await sweeps.expire_leases(connection)
    async with database.connection() as connection:
        await settle_unknown(connection, reconcile_after=reconcile_after, configuration_set=CONFIGURATION_SET)
    async with database.connection() as connection:
        await sweeps.complete_campaigns(connection)
        await sweeps.tell_waiting(connection, held_until=held_until)


async def let_pass(database: Database, seconds: int) -> None:
    """Let all that silence is judged by have been this much earlier."""
    for column in (
        "batches.unknown_since",
        "campaign_counters.accepted_until",
        "campaign_counters.heard_until",
        "campaign_counters.heard_at",
    ):
        table, _, name = column.partition(".")
        await run_sql(
            database,
            f"UPDATE {table} SET {name} = {name} - make_interval(secs => :seconds)",  # noqa: S608  # our names
            seconds=seconds,
        )


async def prove(database: Database, turn: Turn, *numbers: int, seconds_late: int = 0) -> None:
    """Let SES's events name these recipients, so long after it took their mail."""
    at = now() - timedelta(seconds=seconds_late)
    async with database.connection() as connection:
        for number in numbers:
            key = RecipientKey(turn.school_id, turn.campaign_id, number)
            event = hashlib.sha256(f"{key}".encode()).digest()[:16]
            await record_facts(
                connection, [Fact(key, FactKind.SENT, at, event, message_id=f"m{number}", mailed_at=at)]
            )


async def test_a_lease_that_runs_out_makes_unknown_and_never_queued(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    await claim_some(database, turn)
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["calling"]
    await end_leases(database)
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["unknown"]
    stats = (await read_campaign(school, turn))["stats"]
    assert (stats["unknown"], stats["queued"], stats["sending"]) == (2, 0, 0)
    assert await claim(database, turn) is None


async def test_evidence_settles_the_unknown_and_the_campaign_ends(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await prove(database, turn, 1, 2)
    await sweep(database)
    seen = await read_campaign(school, turn)
    assert (seen["status"], seen["stats"]["sent"], seen["stats"]["unknown"]) == ("sent", 2, 0)


async def test_only_who_stays_silent_is_sent_again_as_a_new_attempt(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 3)
    await hear_events(database)
    await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await prove(database, turn, 2)
    await let_pass(database, 890)
    await sweep(database)
    assert (await read_campaign(school, turn))["stats"]["unknown"] == 2
    await let_pass(database, 20)
    await sweep(database)
    assert await list_batches(database, turn) == [("done", 1, [1, 2, 3]), ("due", 2, [1, 3])]
    again = await claim_some(database, turn)
    assert [addressee.number for addressee in again.addressees] == [1, 3]


async def test_evidence_that_comes_after_the_delay_still_prevents_the_second_mail(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    await hear_events(database)
    await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await let_pass(database, 1000)
    await sweep(database)
    await prove(database, turn, 1)
    again = await claim_some(database, turn)
    assert [addressee.number for addressee in again.addressees] == [2]


async def settle_one_lose_one(database: Database, school: SchoolClient, *, hears: bool = True) -> Turn:
    """Let SES answer the first of two calls, and never the second; both delays are over."""
    turn = await open_campaign(database, school, 2, batch_size=1)
    if hears:
        await hear_events(database)
    first = await claim_some(database, turn)
    async with database.connection() as connection:
        sent = Outcome(OutcomeKind.SENT, message_id="m1")
        await write_settlements(connection, [settle(first, [sent], at=now(), chance=random.Random(1))])
    await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await let_pass(database, 1000)
    return turn


async def test_while_events_come_late_silence_proves_nothing_and_its_delay_starts_over(
    school: SchoolClient, database: Database
) -> None:
    turn = await settle_one_lose_one(database, school)
    await sweep(database)
    assert await list_batches(database, turn) == [("done", 1, [1]), ("unknown", 1, [2])]
    await hear_of_accepted(database)
    await sweep(database)
    assert await list_batches(database, turn) == [("done", 1, [1]), ("unknown", 1, [2])]
    await let_pass(database, 1000)
    await sweep(database)
    assert await list_batches(database, turn) == [("done", 1, [1]), ("done", 1, [2]), ("due", 2, [2])]


async def test_however_many_calls_are_lost_at_once_what_was_answered_must_be_heard_of_first(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 8, batch_size=1)
    await hear_events(database)
    first = await claim_some(database, turn)
    async with database.connection() as connection:
        sent = Outcome(OutcomeKind.SENT, message_id="m1")
        await write_settlements(connection, [settle(first, [sent], at=now(), chance=random.Random(1))])
    for _ in range(7):
        await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await let_pass(database, 1000)
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["done", *["unknown"] * 7]


async def test_a_batch_that_is_being_heard_of_is_given_its_time(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    await hear_events(database)
    await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await let_pass(database, 1000)
    await prove(database, turn, 1, seconds_late=1000)
    await sweep(database)
    assert await list_batches(database, turn) == [("unknown", 1, [1, 2])]
    await let_pass(database, 1000)
    await sweep(database)
    assert await list_batches(database, turn) == [("done", 1, [1, 2]), ("due", 2, [2])]


async def test_where_no_call_was_answered_other_campaigns_tell_whether_events_come(
    school: SchoolClient, database: Database
) -> None:
    """The webhook is away, as what SES took of another campaign shows: a lost call may have come through."""
    other = await open_campaign(database, school, 1)
    await hear_events(database)
    answered = await claim_some(database, other)
    async with database.connection() as connection:
        sent = Outcome(OutcomeKind.SENT, message_id="m1")
        await write_settlements(connection, [settle(answered, [sent], at=now(), chance=random.Random(1))])
    turn = await open_campaign(database, school, 3)
    await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await let_pass(database, 1000)
    await sweep(database)
    assert await list_batches(database, turn) == [("unknown", 1, [1, 2, 3])]
    await prove(database, other, 1, seconds_late=1000)
    await sweep(database)
    assert await list_batches(database, turn) == [("done", 1, [1, 2, 3]), ("due", 2, [1, 2, 3])]


async def test_an_open_is_no_sign_that_events_are_heard(school: SchoolClient, database: Database) -> None:
    turn = await settle_one_lose_one(database, school)
    async with database.connection() as connection:
        key = RecipientKey(turn.school_id, turn.campaign_id, 1)
        await record_facts(connection, [Fact(key, FactKind.OPENED, now(), b"o" * 16)])
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["done", "unknown"]


async def test_a_campaign_that_goes_on_is_heard_past_the_batch_before_its_silence_counts(
    school: SchoolClient, database: Database
) -> None:
    """Events still come and tell of mail from before: whether this batch is among it is not known yet."""
    turn = await settle_one_lose_one(database, school)
    await hear_of_accepted(database, seconds_ago=10)
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["done", "unknown"]
    await run_sql(database, "UPDATE campaign_counters SET heard_until = now(), heard_at = now()")
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["done", "done", "due"]


async def test_where_events_have_stopped_it_stays_unknown_for_a_person_to_decide(
    school: SchoolClient, database: Database
) -> None:
    turn = await settle_one_lose_one(database, school)
    await let_pass(database, 3600)
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["done", "undecided"]
    seen = await read_campaign(school, turn)
    assert (seen["status"], seen["stats"]["sent"], seen["stats"]["unknown"]) == ("sent", 1, 1)


async def test_where_no_event_was_ever_seen_it_stays_unknown_for_a_person_to_decide(
    school: SchoolClient, database: Database
) -> None:
    turn = await settle_one_lose_one(database, school, hears=False)
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == ["done", "undecided"]
    seen = await read_campaign(school, turn)
    assert (seen["status"], seen["stats"]["sent"], seen["stats"]["unknown"]) == ("sent", 1, 1)
    await sweep(database)
    assert (await read_campaign(school, turn))["stats"]["unknown"] == 1


async def test_unknown_batches_that_wait_do_not_keep_settled_ones_from_closing(
    school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "MOST_AT_ONCE", 2)
    turn = await open_campaign(database, school, 4, batch_size=1)
    for _ in range(4):
        await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await sweep(database)
    await prove(database, turn, 3, 4)
    await sweep(database)
    assert [state for state, _, _ in await list_batches(database, turn)] == [
        "unknown",
        "unknown",
        "done",
        "done",
    ]


async def test_two_sweeps_at_once_send_nobody_again_twice(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 20, batch_size=2)
    await hear_events(database)
    for _ in range(10):
        await claim_some(database, turn)
    await end_leases(database)
    await sweep(database)
    await let_pass(database, 1000)
    async with database.connection() as connection:
        await settle_unknown(connection, reconcile_after=900, configuration_set=CONFIGURATION_SET)
        async with asyncio.timeout(5):
            await sweep(database)  # finds every batch taken, and waits for none
    again = [n for state, _, numbers in await list_batches(database, turn) if state == "due" for n in numbers]
    assert sorted(again) == list(range(1, 21))


async def test_a_campaign_is_not_over_while_anything_of_it_is_open(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 1)
    for state in ("due", "calling", "unknown"):
        await run_sql(
            database,
            "UPDATE batches"
            " SET state = :state, lease_until = now() + interval '1 minute', unknown_since = now()",
            state=state,
        )
        await run_sql(
            database,
            "INSERT INTO recipient_outcomes (school_id, campaign_id, number, status)"
            " SELECT school_id, campaign_id, number, 'unknown' FROM recipients ON CONFLICT DO NOTHING",
        )
        await sweep(database)
        assert (await read_campaign(school, turn))["status"] == "sending"
    await run_sql(database, "UPDATE batches SET state = 'done'")
    await sweep(database)
    seen = await read_campaign(school, turn)
    assert seen["status"] == "sent"
    assert seen["completed_at"] is not None


async def test_a_paused_campaign_is_not_called_over(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 1)
    await school.http.post(f"/v1/campaigns/{turn.campaign_id}/pause")
    await run_sql(database, "UPDATE batches SET state = 'done'")
    await sweep(database)
    assert (await read_campaign(school, turn))["status"] == "paused"


async def test_a_campaign_says_that_it_waits_only_as_long_as_it_does(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 1)
    await run_sql(database, "UPDATE campaigns SET status_reason = 'waiting'")
    await run_sql(database, "UPDATE batches SET not_before = now() + interval '5 minutes'")
    await sweep(database)
    assert (await read_campaign(school, turn))["status_reason"] == "waiting"
    await run_sql(database, "UPDATE batches SET not_before = now()")
    await sweep(database)
    assert (await read_campaign(school, turn))["status_reason"] is None


async def test_while_all_sending_is_held_who_waits_says_until_when(
    school: SchoolClient, database: Database
) -> None:
    waiting = await open_campaign(database, school, 1)
    over = await open_campaign(database, school, 1)
    paused = await open_campaign(database, school, 1)
    await school.http.post(f"/v1/campaigns/{paused.campaign_id}/pause")
    await run_sql(database, "UPDATE batches SET state = 'done' WHERE campaign_id = :id", id=over.campaign_id)
    until = datetime(2026, 11, 24, 17, 5, tzinfo=UTC)
    await sweep(database, held_until=until)
    assert "tried again at 17:05 UTC" in (await read_campaign(school, waiting))["status_reason"]
    assert (await read_campaign(school, over))["status_reason"] is None
    assert (await read_campaign(school, paused))["status_reason"] == "Paused by Tests."
    await sweep(database)
    assert (await read_campaign(school, waiting))["status_reason"] is None
