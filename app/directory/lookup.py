"""Finding records of a school by many keys at once."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Select, Uuid, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from app.directory.models import Record


def look_up(model: type[Record], *, school_id: UUID, external_ids: Iterable[str]) -> Select[str]:
    """Select those of the (distinct) external ids that the school has.

    One probe of the primary key for each, which the planner would not choose by itself where it has no
    statistics of the school yet, as when an import brings its first records: it takes `= ANY` of thousands
    for the whole table, and a school it has never seen for an empty one, so that any index seems to do.
    Hence the OFFSET 0, which keeps the probe a probe, and the school's id from a row and not as a constant.
    """
    ids: InstrumentedAttribute[str] = model.external_id
    wanted = (
        select(
            literal(school_id, Uuid).label("school_id"),
            func.unnest(literal(list(external_ids), ARRAY(ids.type))).label("external_id"),
        )
        .offset(0)
        .subquery("wanted")
    )
    found = (
        select(ids)
        .where(model.school_id == wanted.c.school_id, ids == wanted.c.external_id)
        .offset(0)
        .lateral("found")
    )
    return select(found.c.external_id).join_from(wanted, found, true())
