"""What a look has found is told to those who listen: each event made once, for those who have not seen it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from app.reports.live.events import RELOAD, make_event, make_id
from app.reports.live.listener import Listener, Topic
from app.reports.live.reading import Shown
from app.reports.live.sight import MOST_NEWEST, Sight


def show(listeners: Mapping[Topic, set[Listener]], sight: Sight) -> None:
    """Offer every listener what is new to them."""
    for (school_id, campaign_id), them in listeners.items():
        if campaign_id is None:
            _show_list(school_id, them, sight)
        else:
            _show_campaign(campaign_id, them, sight.rows.get((school_id, campaign_id)))


def _show_campaign(campaign_id: UUID, them: Iterable[Listener], shown: Shown | None) -> None:
    if shown is None:  # somebody who came after the look
        return
    seen = make_id(shown.mark)
    behind = [each for each in them if each.seen != seen]
    if behind:
        event = _tell(shown)
        for listener in behind:
            listener.offer({campaign_id: event}, seen)


def _show_list(school_id: UUID, them: Iterable[Listener], sight: Sight) -> None:
    known = sight.lists.get(school_id)
    if known is None:
        return
    seen = make_id(known.digest)
    behind = [each for each in them if each.seen != seen and not each.is_new]
    if behind:
        changed = _tell_all(school_id, sight.changed.get(school_id, ()), sight)
        for listener in behind:
            listener.offer(changed, seen)
    if school_id in sight.newest:
        newest = _tell_all(school_id, sight.newest[school_id], sight)
        for listener in them:
            if listener.is_new:
                _welcome(listener, newest, seen, is_all=len(known.marks) <= MOST_NEWEST)


def _welcome(listener: Listener, newest: dict[UUID | None, bytes], seen: str, *, is_all: bool) -> None:
    listener.is_new = False
    if listener.seen == seen:
        return
    # What else changed while they were away is not known: marks are kept only of lists that are listened to.
    misses = listener.returns and not is_all
    listener.offer(newest | {None: RELOAD} if misses else newest, seen)


def _tell_all(school_id: UUID, campaigns: Iterable[UUID], sight: Sight) -> dict[UUID | None, bytes]:
    return {each: _tell(sight.rows[school_id, each]) for each in campaigns if (school_id, each) in sight.rows}


def _tell(shown: Shown) -> bytes:
    return make_event(shown.make_view().model_dump_json())
