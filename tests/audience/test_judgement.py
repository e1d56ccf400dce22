"""Who of those matched may be mailed: one copy per address, wishes, suppressions, addresses SES can take."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.audience.resolve import MessageType
from app.core.db import Database
from app.directory.addresses import hash_address
from app.directory.consent import ConsentChange, change_consent, suppress_addresses
from app.schools.models import School
from tests.audience.judged import judge
from tests.school import SchoolClient

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
EVERYBODY = {"kind": "active_users"}


async def _push(school: SchoolClient, **people: dict[str, Any]) -> None:
    users = [
        {"external_id": name, "email": f"{name}@school.example", **fields} for name, fields in people.items()
    ]
    await school.push("users", *users)


async def _judge(
    database: Database, school: SchoolClient, message_type: MessageType = "marketing", **options: Any
) -> dict[str, str | None]:
    return await judge(database, school, EVERYBODY, NOW, message_type=message_type, **options)


async def _hash(database: Database, school: SchoolClient, email: str) -> bytes:
    async with database.system_transaction() as session:
        secret = await session.scalar(select(School.address_secret).where(School.id == school.id))
    assert secret is not None
    return hash_address(secret, email)


async def _suppress(database: Database, school: SchoolClient, email: str) -> None:
    row = {
        "school_id": school.id,
        "address_key": await _hash(database, school, email),
        "email": email,
        "reason": "bounce",
        "origin": "ses",
        "campaign_id": None,
    }
    async with database.system_transaction() as session:
        await suppress_addresses(session, [row])


async def _leave(database: Database, school: SchoolClient, email: str, message_type: str) -> None:
    key = await _hash(database, school, email)
    change = ConsentChange(school.id, key, message_type, True, "page", None, NOW)
    async with database.system_transaction() as session:
        await change_consent(session, change)


async def test_the_oldest_account_of_an_address_gets_the_one_copy(
    school: SchoolClient, database: Database
) -> None:
    await _push(
        school,
        a_young={"email": "Shared@school.example", "registered_at": "2026-02-01T00:00:00Z"},
        b_old={"email": "shared@SCHOOL.example", "registered_at": "2020-02-01T00:00:00Z"},
        c_undated={"email": "SHARED@school.example"},
        d_alone={},
    )
    assert await _judge(database, school) == {
        "a_young": "duplicate_address",
        "b_old": None,
        "c_undated": "duplicate_address",
        "d_alone": None,
    }


async def test_accounts_without_a_date_go_by_their_arrival(school: SchoolClient, database: Database) -> None:
    await _push(school, z_first={"email": "shared@school.example"})
    await _push(school, a_second={"email": "shared@school.example"})
    assert await _judge(database, school) == {"z_first": None, "a_second": "duplicate_address"}


async def test_an_unsubscribed_elder_does_not_take_the_mail_from_the_younger(
    school: SchoolClient, database: Database
) -> None:
    elder = {"registered_at": "2020-01-01T00:00:00Z", "email": "shared@school.example"}
    await _push(
        school,
        elder=elder | {"marketing": "unsubscribed"},
        younger={"registered_at": "2025-01-01T00:00:00Z", "email": "Shared@school.example"},
    )
    assert await _judge(database, school) == {"elder": "unsubscribed", "younger": None}
    assert await _judge(database, school, "newsletter") == {"elder": None, "younger": "duplicate_address"}


async def test_only_matched_accounts_compete_for_an_address(school: SchoolClient, database: Database) -> None:
    old = {"registered_at": "2020-01-01T00:00:00Z", "email": "shared@school.example", "status": "inactive"}
    await _push(school, old=old, young={"email": "shared@school.example"})
    assert await _judge(database, school) == {"young": None}


async def test_preferences_count_by_type(school: SchoolClient, database: Database) -> None:
    await _push(
        school,
        no_marketing={"marketing": "unsubscribed", "newsletter": "subscribed"},
        no_newsletter={"marketing": "subscribed", "newsletter": "unsubscribed"},
        silent={},
    )
    assert await _judge(database, school, "marketing") == {
        "no_marketing": "unsubscribed",
        "no_newsletter": None,
        "silent": None,
    }
    assert await _judge(database, school, "newsletter") == {
        "no_marketing": None,
        "no_newsletter": "unsubscribed",
        "silent": None,
    }
    assert set((await _judge(database, school, "operational")).values()) == {None}


async def test_opting_in_may_be_required(school: SchoolClient, database: Database) -> None:
    await _push(school, yes={"marketing": "subscribed"}, silent={}, no={"marketing": "unsubscribed"})
    assert await _judge(database, school, require_opt_in=True) == {
        "yes": None,
        "silent": "unsubscribed",
        "no": "unsubscribed",
    }
    operational = await _judge(database, school, "operational", require_opt_in=True)
    assert set(operational.values()) == {None}


async def test_an_unsubscribed_address_counts_for_all_who_have_it(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    for each in (school, other_school):
        await _push(each, one={"email": "shared@school.example"}, two={"email": "SHARED@school.example"})
    await _leave(database, school, "Shared@School.example", "marketing")
    assert set((await _judge(database, school)).values()) == {"unsubscribed"}
    assert await _judge(database, school, "newsletter") == {"one": None, "two": "duplicate_address"}
    assert await _judge(database, other_school) == {"one": None, "two": "duplicate_address"}


async def test_a_suppressed_address_gets_nothing_of_any_type(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    for each in (school, other_school):
        await _push(each, bounced={"email": "Gone@school.example"}, fine={})
    await _suppress(database, school, "gone@SCHOOL.example")
    for message_type in ("operational", "marketing", "newsletter"):
        judged = await judge(database, school, EVERYBODY, NOW, message_type=message_type)
        assert judged == {"bounced": "suppressed", "fine": None}
    assert await _judge(database, other_school) == {"bounced": None, "fine": None}


async def test_addresses_ses_cannot_take_are_left_out(school: SchoolClient, database: Database) -> None:
    await _push(
        school, accent={"email": "josé@school.example"}, domain={"email": "jose@münchen.example"}, fine={}
    )
    assert await _judge(database, school, "operational") == {
        "accent": "unsendable_address",
        "domain": None,
        "fine": None,
    }
