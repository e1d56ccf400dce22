"""Whose turn it is: operational mail first, then schools in turn, then each school's campaigns (pure)."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Turn:
    """A campaign that has mail due."""

    school_id: UUID
    campaign_id: UUID
    operational: bool


class Rota:
    """Remembers who was served last, so that refreshing what is due does not start over."""

    def __init__(self) -> None:
        self._due: dict[UUID, list[Turn]] = {}
        self._schools: OrderedDict[UUID, None] = OrderedDict()
        self._served: dict[UUID, int] = {}
        self._clock = 0

    def refresh(self, due: Iterable[Turn]) -> None:
        """Replace what is due; the order of turns goes on."""
        self._due = {}
        for turn in due:
            self._due.setdefault(turn.school_id, []).append(turn)
        for school_id in self._due:
            self._schools.setdefault(school_id)
        for school_id in [each for each in self._schools if each not in self._due]:
            del self._schools[school_id]
        waiting = {turn.campaign_id for turns in self._due.values() for turn in turns}
        self._served = {campaign: at for campaign, at in self._served.items() if campaign in waiting}

    def next(self) -> Turn | None:
        """Return whose turn it is, or None when nothing is due."""
        urgent = {s: [t for t in turns if t.operational] for s, turns in self._due.items()}
        due = {s: turns for s, turns in urgent.items() if turns} or self._due
        for school_id in self._schools:
            if due.get(school_id):
                turn = min(due[school_id], key=lambda turn: self._served.get(turn.campaign_id, 0))
                self._clock += 1
                self._served[turn.campaign_id] = self._clock
                self._schools.move_to_end(school_id)
                return turn
        return None

    def drop(self, turn: Turn) -> None:
        """Take a campaign out that had nothing due after all, until the next refresh."""
        turns = self._due.get(turn.school_id, [])
        if turn in turns:
            turns.remove(turn)
        if not turns:
            self._due.pop(turn.school_id, None)

    def __bool__(self) -> bool:
        """Whether anything is due."""
        return bool(self._due)
