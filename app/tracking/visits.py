"""Keeping a visit: in PostgreSQL, in Redis while PostgreSQL is away, and if need be nowhere, but counted."""

from dataclasses import dataclass

import structlog

from app.core.db import is_contention
from app.core.group_commit import GroupCommit
from app.core.metrics import VISITS
from app.recipients.facts import Fact
from app.tracking.backlog import Backlog, BacklogAway, BacklogFull
from app.tracking.outage import DatabaseAway, DatabaseWatch

_IN_DATABASE, _IN_BACKLOG, _NOWHERE = (VISITS.labels(kept) for kept in ("database", "backlog", "nowhere"))
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VisitRecorder:
    """Keeps opens and clicks; whatever happens, the visitor is answered, and within seconds."""

    recorder: GroupCommit[Fact]
    backlog: Backlog
    watch: DatabaseWatch

    async def record(self, fact: Fact) -> None:
        """Return once the visit is durable, in PostgreSQL or in Redis, or known to be lost."""
        try:
            with self.watch:
                await self.recorder.submit(fact)
        except DatabaseAway:
            await self._put_off(fact)
        except Exception as error:
            if is_contention(error):  # it lost every race it was in: nothing is wrong with it
                await self._put_off(fact)
                return
            _NOWHERE.inc()
            log.exception("a visit cannot be recorded")
        else:
            _IN_DATABASE.inc()

    async def _put_off(self, fact: Fact) -> None:
        try:
            await self.backlog.add(fact)
        except BacklogFull:
            _NOWHERE.inc()
        except BacklogAway:
            _NOWHERE.inc()
            log.warning("a visit is lost: PostgreSQL and Redis are both away", kind=fact.kind.value)
        else:
            _IN_BACKLOG.inc()

    async def close(self) -> None:
        """Wait for what was begun."""
        await self.recorder.close()
        await self.backlog.close()
