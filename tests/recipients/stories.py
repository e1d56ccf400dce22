"""Anything that can happen to a few people, for hypothesis."""

from itertools import pairwise

from hypothesis import strategies as st

from app.recipients.facts import Fact, FactKind, RecipientKey
from tests.recipients.campaign import event_key, second

PEOPLE = 3
LINKS = 2
MOST_HAPPENINGS, MOST_REPEATED = 12, 6
MOST_TOLD = MOST_HAPPENINGS + MOST_REPEATED
_UNKEYED = (FactKind.ACCEPTED, FactKind.UNKNOWN, FactKind.REQUEUED, FactKind.REFUSED)
_KEYED = tuple(kind for kind in FactKind if kind not in _UNKEYED)
# Close together and far apart, on both sides of the spans that tell machines from people.
_SECONDS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 11, 60, 660, 1300])
_WORDS = st.sampled_from([None, "a", "b"])
_NOTES = ("ses_open", "ses_click", "ses_subscription")

Happening = tuple[int, FactKind, int, int, str | None, int | None, str | None, str | None, bool, int]
"""Recipient, kind, second, attempt, message id, second of mailing, code, diagnostic, by a machine, link."""

# Visits are as likely as all the rest: what is thought of them depends on each other, and on the delivery.
_VISITS = st.sampled_from(
    [FactKind.CLICKED, FactKind.CLICKED, FactKind.OPENED, FactKind.NOTED, FactKind.DELIVERED]
)
HAPPENINGS: st.SearchStrategy[Happening] = st.tuples(
    st.integers(1, PEOPLE),
    st.sampled_from(_UNKEYED) | st.sampled_from(_KEYED) | _VISITS,
    _SECONDS,
    st.integers(1, 3),
    st.sampled_from([None, "m1", "m2"]),
    st.none() | _SECONDS,
    _WORDS,
    _WORDS,
    st.booleans(),
    st.integers(0, LINKS),
)


def make_fact(place: int, happening: Happening, recipient: RecipientKey) -> Fact:
    """Make the fact of a happening; `place` names its event, if such events enter the history."""
    _, kind, at, attempt, message_id, mailed, code, diagnostic, machine, link = happening
    return Fact(
        recipient=recipient,
        kind=kind,
        at=second(at),
        key=None if kind in _UNKEYED else event_key(place),
        attempt=attempt,
        message_id=message_id,
        mailed_at=None if mailed is None else second(mailed),
        code=code,
        diagnostic=diagnostic,
        machine="bot" if machine else None,
        link=link or None,
        note=_NOTES[link] if kind is FactKind.NOTED else None,
    )


@st.composite
def told(draw: st.DrawFn) -> tuple[list[Happening], list[list[int]]]:
    """Happenings, and how they are told: places in that list, each at least once, in several transactions."""
    happenings = draw(st.lists(HAPPENINGS, max_size=MOST_HAPPENINGS))
    places = range(len(happenings))
    again = draw(st.lists(st.sampled_from(places), max_size=MOST_REPEATED)) if happenings else []
    order = draw(st.permutations([*places, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    bounds = [0, *cuts, len(order)]
    return happenings, [order[start:end] for start, end in pairwise(bounds)]
