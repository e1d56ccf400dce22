"""What facts mean together: the table of statuses, in whatever order and however often they are heard."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given

from app.core.ids import new_id
from app.recipients.counters import COUNTED, tally
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.outcome import State, merge_fact, read_status
from tests.recipients.campaign import minute
from tests.recipients.naive import add_up, work_out
from tests.recipients.stories import Happening, make_fact, told

SOMEBODY = RecipientKey(new_id(), new_id(), 1)
K = FactKind


def fact(kind: FactKind, *, attempt: int = 1, at: int = 0, **more: Any) -> Fact:
    return Fact(SOMEBODY, kind, minute(at), attempt=attempt, **more)


def hear(*facts: Fact) -> State:
    state = State()
    for each in facts:
        state = merge_fact(state, each)
    return state


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([], "queued"),
        ([fact(K.ACCEPTED)], "accepted"),
        ([fact(K.UNKNOWN)], "unknown"),
        ([fact(K.REFUSED)], "failed"),
        ([fact(K.UNKNOWN), fact(K.REFUSED)], "failed"),
        ([fact(K.UNKNOWN), fact(K.ACCEPTED)], "accepted"),
        ([fact(K.UNKNOWN), fact(K.REQUEUED, attempt=2)], "queued"),
        ([fact(K.UNKNOWN), fact(K.REQUEUED, attempt=2), fact(K.UNKNOWN, attempt=2)], "unknown"),
        ([fact(K.UNKNOWN), fact(K.REQUEUED, attempt=2), fact(K.REFUSED, attempt=2)], "failed"),
        # A late word about an attempt that is over does not touch the one that runs.
        ([fact(K.REQUEUED, attempt=2), fact(K.REFUSED)], "queued"),
        ([fact(K.REQUEUED, attempt=3), fact(K.UNKNOWN, attempt=2), fact(K.REFUSED)], "queued"),
        # …but a late proof of acceptance does: they have the mail.
        ([fact(K.UNKNOWN), fact(K.REQUEUED, attempt=2), fact(K.ACCEPTED)], "accepted"),
        ([fact(K.REFUSED), fact(K.DELIVERED)], "delivered"),
        ([fact(K.REFUSED), fact(K.SENT)], "accepted"),
        ([fact(K.UNKNOWN), fact(K.SENT)], "accepted"),
        ([fact(K.UNKNOWN), fact(K.DELAYED)], "accepted"),
        ([fact(K.UNKNOWN), fact(K.DELIVERED)], "delivered"),
        ([fact(K.UNKNOWN), fact(K.BOUNCED)], "bounced"),
        ([fact(K.UNKNOWN), fact(K.REJECTED)], "failed"),
        # Nobody can open, follow or leave a mail that did not reach them.
        ([fact(K.UNKNOWN), fact(K.OPENED)], "accepted"),
        ([fact(K.UNKNOWN), fact(K.CLICKED, machine="bot")], "accepted"),
        ([fact(K.UNKNOWN), fact(K.UNSUBSCRIBED)], "accepted"),
        ([fact(K.UNKNOWN), fact(K.UNSUBSCRIBED), fact(K.RESUBSCRIBED, at=1)], "accepted"),
        ([fact(K.UNKNOWN), fact(K.NOTED)], "accepted"),
        ([fact(K.ACCEPTED), fact(K.DELAYED), fact(K.DELIVERED)], "delivered"),
        ([fact(K.ACCEPTED), fact(K.REJECTED)], "failed"),
        ([fact(K.DELIVERED), fact(K.COMPLAINED, at=1)], "complained"),
        ([fact(K.COMPLAINED)], "complained"),
        ([fact(K.BOUNCED), fact(K.COMPLAINED)], "complained"),
        ([fact(K.AUTO_REPLIED)], "soft_bounced"),
        ([fact(K.DELIVERED), fact(K.AUTO_REPLIED, at=1)], "delivered"),
        ([fact(K.AUTO_REPLIED), fact(K.DELIVERED, at=1)], "delivered"),
        ([fact(K.DELIVERED), fact(K.SOFT_BOUNCED, at=1)], "soft_bounced"),
        ([fact(K.DELIVERED), fact(K.BOUNCED, at=1)], "bounced"),
        ([fact(K.BOUNCED), fact(K.DELIVERED, at=1)], "bounced"),
        ([fact(K.SOFT_BOUNCED), fact(K.BOUNCED, at=1)], "bounced"),
        ([fact(K.SOFT_BOUNCED), fact(K.AUTO_REPLIED), fact(K.DELIVERED)], "soft_bounced"),
    ],
)
def test_a_status_is_the_same_in_every_order_and_repetition(facts: list[Fact], status: str) -> None:
    for order in permutations(facts):
        assert read_status(hear(*order)) == status
        assert read_status(hear(*order, *order)) == status


def test_acceptance_is_dated_by_the_mailing_and_by_the_earliest_sign() -> None:
    late = fact(K.CLICKED, at=9)
    assert hear(late).accepted_at == minute(9)
    sent = fact(K.SENT, at=5, mailed_at=minute(2), message_id="m")
    for order in permutations([late, sent, fact(K.ACCEPTED, at=3, message_id="m")]):
        state = hear(*order)
        assert (state.accepted_at, state.message_id) == (minute(2), "m")


def test_opens_and_clicks_keep_the_first_the_last_and_the_count() -> None:
    for kind, first, last, count in (
        (K.OPENED, "first_opened_at", "last_opened_at", "open_count"),
        (K.CLICKED, "first_clicked_at", "last_clicked_at", "click_count"),
    ):
        state = hear(fact(kind, at=5), fact(kind, at=1), fact(kind, at=9))
        state = merge_fact(state, fact(kind, at=9), is_new=False)
        assert (getattr(state, first), getattr(state, last), getattr(state, count)) == (
            minute(1),
            minute(9),
            3,
        )


def test_a_machine_is_counted_apart_and_dates_nothing() -> None:
    state = hear(fact(K.OPENED, machine="prefetch"), fact(K.CLICKED, machine="head"))
    assert (state.machine_open_count, state.machine_click_count) == (1, 1)
    assert (state.open_count, state.click_count) == (0, 0)
    assert state.first_opened_at is state.last_clicked_at is None
    counted = dict(zip(COUNTED, tally(state), strict=True))
    assert (counted["opened"], counted["clicked"]) == (0, 0)
    assert (counted["machine_opened"], counted["machine_clicked"]) == (1, 1)


def test_a_click_without_a_pixel_is_an_open_by_click_until_the_pixel_loads() -> None:
    clicked = hear(fact(K.CLICKED))
    counted = dict(zip(COUNTED, tally(clicked), strict=True))
    assert (counted["opened"], counted["opened_by_click"], counted["opens"]) == (1, 1, 0)
    counted = dict(zip(COUNTED, tally(merge_fact(clicked, fact(K.OPENED))), strict=True))
    assert (counted["opened"], counted["opened_by_click"], counted["opens"]) == (1, 0, 1)


def test_the_weightiest_reason_is_kept_and_the_later_of_equals() -> None:
    facts = [
        fact(K.DELAYED, at=9, code="delay"),
        fact(K.SOFT_BOUNCED, at=1, code="full", diagnostic="452"),
        fact(K.SOFT_BOUNCED, at=2, code="general", diagnostic="450"),
    ]
    for order in permutations(facts):
        state = hear(*order)
        assert (state.reason_code, state.diagnostic, state.reason_at) == ("general", "450", minute(2))


def test_the_last_wish_holds_and_of_two_at_once_the_unsubscription() -> None:
    leave, stay = fact(K.UNSUBSCRIBED, at=1), fact(K.RESUBSCRIBED, at=2)
    for order in permutations([leave, stay]):
        assert not hear(*order).unsubscribed
    for order in permutations([leave, fact(K.RESUBSCRIBED, at=1)]):
        assert hear(*order).unsubscribed


def test_recipients_are_ordered_as_postgresql_orders_them() -> None:
    keys = [RecipientKey(new_id(), new_id(), number) for number in (2, 1)]
    assert sorted(keys, key=RecipientKey.order) == keys
    same = [RecipientKey(SOMEBODY.school_id, SOMEBODY.campaign_id, number) for number in (10, 9)]
    assert sorted(same, key=RecipientKey.order) == [same[1], same[0]]


@given(told())
def test_any_facts_come_to_what_the_set_of_them_comes_to(
    story: tuple[list[Happening], list[list[int]]],
) -> None:
    happenings, transactions = story
    facts = [make_fact(place, each, SOMEBODY) for place, each in enumerate(happenings)]
    state, seen = State(), set[bytes]()
    for place in (place for transaction in transactions for place in transaction):
        key = facts[place].key
        state = merge_fact(state, facts[place], is_new=key not in seen)
        if key is not None:
            seen.add(key)
    expected = work_out(facts)
    assert {name: getattr(state, name) for name in expected if name != "status"} == {
        name: value for name, value in expected.items() if name != "status"
    }
    assert read_status(state) == expected["status"]
    counted = dict(zip(COUNTED, tally(state), strict=True))
    assert counted == {name: value for name, value in add_up([expected]).items() if name in counted}
