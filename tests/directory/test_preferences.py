"""Preferences in a sync: what is left out stays, and nobody is re-subscribed but by their own later wish."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core.clock import now
from app.core.db import Database
from app.directory.addresses import hash_address
from app.directory.consent import ConsentChange, change_consent
from app.directory.models import PreferenceChange
from app.schools.models import School
from tests.school import SchoolClient

LEFT_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANN = {"external_id": "ann", "email": "ann@school.example"}


async def _leave(database: Database, school: SchoolClient, message_type: str = "marketing") -> None:
    """Let the address of Ann unsubscribe as a recipient does."""
    async with database.system_transaction() as session:
        secret = await session.scalar(select(School.address_secret).where(School.id == school.id))
        assert secret is not None
        change = ConsentChange(
            school_id=school.id,
            address_key=hash_address(secret, ANN["email"]),
            message_type=message_type,
            unsubscribed=True,
            source="one-click",
            campaign_id=None,
            at=LEFT_AT,
        )
        assert await change_consent(session, change)


async def _preferences(school: SchoolClient, user: str = "ann") -> tuple[str, str]:
    read = await school.read(f"/v1/directory/users/{user}")
    return read["marketing"], read["newsletter"]


async def _history(database: Database, school: SchoolClient) -> list[tuple[str, str, str, datetime]]:
    async with database.system_transaction() as session:
        rows = await session.execute(
            select(
                PreferenceChange.message_type,
                PreferenceChange.preference,
                PreferenceChange.source,
                PreferenceChange.changed_at,
            )
            .where(PreferenceChange.school_id == school.id)
            .order_by(PreferenceChange.id)
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]


async def _push(school: SchoolClient, **fields: Any) -> int:
    kept: int = (await school.push("users", ANN | fields))["preferences_kept"]
    return kept


async def test_a_preference_left_out_stays(school: SchoolClient) -> None:
    await _push(school)
    assert await _preferences(school) == ("unset", "unset")
    await _push(school, marketing="subscribed", newsletter="unsubscribed")
    await _push(school, first_name="Ann")
    assert await _preferences(school) == ("subscribed", "unsubscribed")
    await _push(school, marketing="unset")
    assert await _preferences(school) == ("unset", "unsubscribed")


async def test_the_platform_may_take_back_its_own_word(school: SchoolClient) -> None:
    await _push(school, marketing="unsubscribed")
    assert await _push(school, marketing="subscribed") == 0
    assert await _preferences(school) == ("subscribed", "unset")


async def test_a_sync_never_resubscribes(school: SchoolClient, database: Database) -> None:
    await _push(school, marketing="subscribed", newsletter="subscribed")
    await _leave(database, school)
    assert await _preferences(school) == ("unsubscribed", "subscribed")
    assert await _push(school, marketing="subscribed", newsletter="subscribed") == 1
    assert await _push(school, marketing="unset") == 0
    assert await _push(school) == 0
    assert await _preferences(school) == ("unsubscribed", "subscribed")


async def test_a_wish_must_be_later_than_the_unsubscription(school: SchoolClient, database: Database) -> None:
    await _push(school, marketing="subscribed")
    await _leave(database, school)
    for moment in (LEFT_AT - timedelta(days=1), LEFT_AT):
        assert await _push(school, marketing="subscribed", preferences_changed_at=moment.isoformat()) == 1
        assert (await _preferences(school))[0] == "unsubscribed"
    later = LEFT_AT + timedelta(microseconds=1)
    assert await _push(school, marketing="subscribed", preferences_changed_at=later.isoformat()) == 0
    assert (await _preferences(school))[0] == "subscribed"
    # The unsubscription is lifted for good: a plain push does not bring it back.
    assert await _push(school, marketing="subscribed") == 0


async def test_an_unsubscription_reaches_whoever_gets_the_address(
    school: SchoolClient, database: Database
) -> None:
    await _push(school, marketing="subscribed")
    await school.push(
        "users", {"external_id": "kid", "email": "ANN@school.example", "marketing": "subscribed"}
    )
    await _leave(database, school)
    assert (await _preferences(school, "kid"))[0] == "unsubscribed"
    late = {"external_id": "late", "email": "Ann@School.Example", "marketing": "subscribed"}
    assert (await school.push("users", late))["preferences_kept"] == 1
    assert (await _preferences(school, "late"))[0] == "unsubscribed"
    moved = {"external_id": "moved", "email": "else@school.example", "marketing": "subscribed"}
    await school.push("users", moved)
    await school.push("users", moved | {"email": ANN["email"]})
    assert (await _preferences(school, "moved"))[0] == "unsubscribed"


async def test_an_unsubscription_goes_along_to_another_address(
    school: SchoolClient, database: Database
) -> None:
    """Who left and then changes their address has left all the same, also for who shares the new one."""
    await _push(school, marketing="subscribed", newsletter="subscribed")
    await school.push(
        "users", {"external_id": "kid", "email": "family@school.example", "marketing": "subscribed"}
    )
    await _leave(database, school)
    for _ in range(2):
        assert await _push(school, email="family@school.example", marketing="subscribed") == 1
        assert await _preferences(school) == ("unsubscribed", "subscribed")
    assert (await _preferences(school, "kid"))[0] == "unsubscribed"
    assert await _push(school, email="third@school.example") == 0
    assert (await _preferences(school))[0] == "unsubscribed"
    later = (LEFT_AT + timedelta(days=1)).isoformat()
    fresh = {"email": "fourth@school.example", "marketing": "subscribed", "preferences_changed_at": later}
    assert await _push(school, **fresh) == 0
    assert (await _preferences(school))[0] == "subscribed"
    assert await _push(school, email="fourth@school.example", marketing="subscribed") == 0


async def test_a_wish_is_never_of_the_future(school: SchoolClient, database: Database) -> None:
    """As a platform says whose clock is ahead: no unsubscription after it would count as later."""
    await _push(school, marketing="subscribed")
    await _leave(database, school)
    await _push(school, marketing="subscribed", preferences_changed_at="2099-01-01T00:00:00Z")
    assert (await _preferences(school))[0] == "subscribed"
    (*_, (_, preference, source, changed_at)) = await _history(database, school)
    assert (preference, source) == ("subscribed", "sync")
    assert changed_at <= now()


async def test_an_unsubscription_stays_in_its_school(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    await _push(school, marketing="subscribed")
    await _push(other_school, marketing="subscribed")
    await _leave(database, school)
    assert (await _preferences(other_school))[0] == "subscribed"


async def test_every_change_is_kept_with_its_source(school: SchoolClient, database: Database) -> None:
    await _push(school, marketing="subscribed", preferences_changed_at="2026-04-01T00:00:00Z")
    await _push(school, marketing="subscribed")
    await _leave(database, school)
    await _push(school, marketing="subscribed")
    await _push(school, marketing="subscribed", preferences_changed_at="2026-06-01T00:00:00Z")
    assert await _history(database, school) == [
        ("marketing", "subscribed", "sync", datetime(2026, 4, 1, tzinfo=UTC)),
        ("marketing", "unsubscribed", "one-click", LEFT_AT),
        ("marketing", "subscribed", "sync", datetime(2026, 6, 1, tzinfo=UTC)),
    ]
