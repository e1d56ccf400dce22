"""Random schools, random audiences: the product and a naive second implementation mean the same people."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.audience.audience import FilteredAudience
from app.audience.base import Filter
from app.audience.preview import count_audience, show_audience
from app.audience.resolve import MessageType, Question, judge_audience
from app.audience.scope import Scope
from app.core.db import Database
from app.core.ids import new_id
from app.recipients.freeze import freeze_recipients
from app.recipients.models import Exclusion, Recipient
from tests.audience import naive
from tests.audience.random_school import (
    CATEGORIES,
    DAY,
    GROUPS,
    NOW,
    TICK,
    TIMEZONE,
    TRAINERS,
    RandomSchool,
    make_random_school,
    store_school,
)

THE_CAMPAIGN = "the campaign"
PLAIN = (
    "ongoing_enrollments",
    "upcoming_enrollments",
    "current_enrollments",
    "ended_enrollments",
    "online_enrollments",
    "valid_passes",
    "active_subscriptions",
    "active_users",
)
OUTCOMES = ("any", "opened", "not_opened", "clicked", "not_clicked", "failed")


def _bookings(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    early = st.sampled_from([NOW - 7 * DAY, NOW - DAY, NOW - DAY + TICK, NOW]).map(lambda at: at.isoformat())
    late = st.sampled_from([NOW + TICK, NOW + DAY, NOW + 7 * DAY]).map(lambda at: at.isoformat())
    return st.fixed_dictionaries(
        {"kind": st.just(kind)}, optional={"from": early, "to": late, "within_days": st.sampled_from([1, 7])}
    )


single = st.one_of(
    st.sampled_from(PLAIN).map(lambda kind: {"kind": kind}),
    _bookings("upcoming_bookings"),
    _bookings("past_bookings"),
    st.sampled_from([1, 3, 12]).map(lambda months: {"kind": "past_orders", "months": months}),
    st.sampled_from([1, 7, 30]).map(lambda days: {"kind": "recent_accounts", "days": days}),
    st.sampled_from(GROUPS).map(lambda group: {"kind": "group", "group": group}),
    st.sampled_from(OUTCOMES).map(lambda o: {"kind": "campaign", "campaign": THE_CAMPAIGN, "outcome": o}),
)
EVERY_KIND: list[dict[str, Any]] = [
    *({"kind": kind} for kind in PLAIN),
    {"kind": "upcoming_bookings"},
    {"kind": "past_bookings"},
    {"kind": "past_orders", "months": 12},
    {"kind": "recent_accounts", "days": 30},
    {"kind": "group", "group": GROUPS[0]},
    {"kind": "campaign", "campaign": THE_CAMPAIGN, "outcome": "any"},
]
filters = st.recursive(
    single,
    lambda parts: st.builds(
        lambda kind, chosen: {"kind": kind, "filters": chosen},
        st.sampled_from(["all_of", "any_of", "none_of"]),
        st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=5,
).filter(lambda asked: _depth(asked) <= 5)
narrows = st.fixed_dictionaries(
    {},
    optional={
        "trainers": st.lists(st.sampled_from(TRAINERS), min_size=1, max_size=2, unique=True),
        "categories": st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=2, unique=True),
        "preferences": st.lists(st.sampled_from(["marketing", "newsletter"]), max_size=2, unique=True),
        "exclude_remote_courses": st.booleans(),
    },
)
types = st.sampled_from(["operational", "marketing", "newsletter"])
questions = st.tuples(st.one_of(single, filters), narrows, types, st.booleans())


def _depth(asked: dict[str, Any]) -> int:
    return 1 + max(map(_depth, asked["filters"])) if "filters" in asked else 0


def _fill_in(asked: dict[str, Any], campaign: UUID) -> dict[str, Any]:
    if "filters" in asked:
        return asked | {"filters": [_fill_in(part, campaign) for part in asked["filters"]]}
    return asked | {"campaign": str(campaign)} if "campaign" in asked else asked


@dataclass(frozen=True, slots=True)
class Asked:
    """One question put to the product, and what the naive implementation says to it."""

    database: Database
    school_id: UUID
    question: Question
    expected: dict[str, str | None]

    @property
    def counts(self) -> dict[str, int]:
        """How many fall to each reason."""
        reasons = [reason or "recipients" for reason in self.expected.values()]
        return {reason: reasons.count(reason) for reason in reasons}

    async def check_judged(self) -> None:
        """Assert that those judged are the people expected, each once."""
        judged = judge_audience(Scope(self.school_id, NOW, TIMEZONE), self.question)
        async with self.database.tenant_transaction(self.school_id) as session:
            rows = (await session.execute(select(judged.c.external_id, judged.c.reason))).all()
        assert sorted((row[0], row[1] or "") for row in rows) == sorted(
            (user, reason or "") for user, reason in self.expected.items()
        )

    async def check(self) -> None:
        """Assert that those judged, counted, shown and frozen are the people expected."""
        await self.check_judged()
        scope = Scope(self.school_id, NOW, TIMEZONE)
        async with self.database.tenant_transaction(self.school_id) as session:
            counted = await count_audience(session, scope=scope, question=self.question)
            shown, sample = await show_audience(session, scope=scope, question=self.question)
        assert counted == shown
        assert {reason: count for reason, count in counted.items() if count} == self.counts
        mailed = {user for user, reason in self.expected.items() if reason is None}
        assert len({person.user for person in sample} & mailed) == len(sample) == min(10, len(mailed))
        await self._check_frozen(scope)

    async def _check_frozen(self, scope: Scope) -> None:
        campaign_id = new_id()
        async with self.database.system_transaction() as session:
            frozen = await freeze_recipients(
                session,
                school_id=self.school_id,
                campaign_id=campaign_id,
                judged=judge_audience(scope, self.question),
                attributes=["city"],
            )
            written = await session.execute(
                select(Recipient.user, Recipient.number, Recipient.attributes).where(
                    Recipient.school_id == self.school_id, Recipient.campaign_id == campaign_id
                )
            )
            recipients = {row[0]: (row[1], row[2]) for row in written}
            left_out = await session.execute(
                select(Exclusion.user, Exclusion.reason).where(
                    Exclusion.school_id == self.school_id, Exclusion.campaign_id == campaign_id
                )
            )
            excluded = {row[0]: row[1] for row in left_out}
        assert dict.fromkeys(recipients) | excluded == self.expected
        assert {"recipients": frozen.recipients, **frozen.excluded} == {"recipients": 0, **self.counts}
        assert sorted(number for number, _ in recipients.values()) == [*range(1, len(recipients) + 1)]
        assert {user: {"city": f"City{user[1:]}"} for user in recipients} == {
            user: attributes for user, (_, attributes) in recipients.items()
        }


def _ask(database: Database, school: RandomSchool, school_id: UUID, put: tuple[Any, ...]) -> Asked:
    asked, narrow, message_type, require_opt_in = put
    audience: dict[str, Any] = {"filter": _fill_in(asked, school.campaign), "narrow": narrow}
    kind: MessageType = message_type
    return Asked(
        database,
        school_id,
        Question(FilteredAudience.model_validate(audience), kind, require_opt_in),
        naive.judge(school, audience, message_type, require_opt_in),
    )


few = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    # A question is small as it is, and to shrink it would be to ask the database for minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    report_multiple_bugs=False,
)
many = settings(few, max_examples=400)
seeds = st.integers(0, 2**32)
put_at_once = st.lists(questions, min_size=5, max_size=5)


async def _check_questions(database: Database, seed: int, put: list[tuple[Any, ...]]) -> None:
    school = make_random_school(seed)
    school_id = await store_school(database, school)
    for each in put:
        note(f"school {seed}, asked {each!r}")
        await _ask(database, school, school_id, each).check()


async def _check_every_kind(database: Database, seed: int, narrow: dict[str, Any]) -> None:
    school = make_random_school(seed)
    school_id = await store_school(database, school)
    for asked in EVERY_KIND:
        note(f"school {seed}, asked {asked!r}, narrowed {narrow!r}")
        await _ask(database, school, school_id, (asked, narrow, "operational", False)).check_judged()


@few
@given(seeds, put_at_once)
async def test_both_implementations_mean_the_same_people(
    database: Database, seed: int, put: list[tuple[Any, ...]]
) -> None:
    await _check_questions(database, seed, put)


@few
@given(seeds, narrows)
async def test_every_kind_is_narrowed_alike(database: Database, seed: int, narrow: dict[str, Any]) -> None:
    await _check_every_kind(database, seed, narrow)


@pytest.mark.soak
@many
@given(seeds, put_at_once, narrows)
async def test_both_mean_the_same_people_at_length(
    database: Database, seed: int, put: list[tuple[Any, ...]], narrow: dict[str, Any]
) -> None:
    await _check_questions(database, seed, put)
    await _check_every_kind(database, seed, narrow)


def test_the_second_implementation_knows_every_kind() -> None:
    combinations = {"all_of", "any_of", "none_of"}
    assert set(naive._CONDITIONS) | combinations == set(Filter.registry)
