"""PostgreSQL: there, new enough, at the newest schema, with the tenants' role and the months to come."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.core.db import TENANT_ROLE, Database, run_sql
from app.core.diagnosis import Diagnosis, find_notable, find_well, find_wrong
from app.core.migrations import find_gap
from app.operations.months import list_months, name_partition
from app.recipients.partitions import MONTHS_AHEAD

OLDEST_VERSION = 15
SKEW_SECONDS = 2.0

_SERVER: Final = "SELECT current_setting('server_version_num')::int / 10000, clock_timestamp()"
_ROLE: Final = """
    SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = $1
"""
_PARTITIONS: Final = """
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'email_events'::regclass
"""
_STRAYS: Final = "SELECT EXISTS (SELECT FROM email_events_default)"


async def examine_server(connection: AsyncConnection) -> list[Diagnosis]:
    """Look at the server's version and clock."""
    ((version, told),) = await run_sql(connection, _SERVER)
    found = [
        find_well("PostgreSQL", f"version {version}")
        if version >= OLDEST_VERSION
        else find_wrong("PostgreSQL", f"version {version}", f"Move to {OLDEST_VERSION} or newer.")
    ]
    if (skew := _measure_skew(told)) > SKEW_SECONDS:
        words = f"this machine and the database differ by {skew:.1f} s"
        found.append(find_notable("clock", words, "Have both follow the same time servers."))
    return found


def _measure_skew(told: datetime) -> float:
    return abs((now() - told).total_seconds())


async def examine_schema(database: Database) -> Diagnosis:
    """Look whether the migrations are at their head."""
    gap = await find_gap(database)
    if gap:
        return find_wrong("schema", gap, "Migrations may run while the old version still serves.")
    return find_well("schema", "the newest")


async def examine_role(connection: AsyncConnection) -> Diagnosis:
    """Look whether the role of tenants' transactions can be taken."""
    rows = await run_sql(connection, _ROLE, TENANT_ROLE)
    if rows and rows[0][0]:
        return find_well("tenant role", "can be taken")
    remedy = f"As an administrator: GRANT {TENANT_ROLE} TO the user of CAMPAIGNS_DATABASE_URL."
    return find_wrong("tenant role", f"{TENANT_ROLE} cannot be taken", remedy)


async def examine_partitions(connection: AsyncConnection) -> list[Diagnosis]:
    """Look whether this month and the next have their partitions, and whether events fell beside them."""
    present = {row[0] for row in await run_sql(connection, _PARTITIONS)}
    months = list_months(now().date(), MONTHS_AHEAD + 1)
    missing = [name for name in map(name_partition, months) if name not in present]
    ((strays,),) = await run_sql(connection, _STRAYS)
    found = []
    if missing:
        remedy = "A worker makes them when it starts and every night; its log says what keeps it from that."
        found.append(find_notable("partitions", f"missing: {', '.join(missing)}", remedy))
    else:
        found.append(find_well("partitions", f"there until {months[-1]:%Y-%m}"))
    if strays:
        remedy = "They count as any other; only housekeeping never drops them."
        found.append(find_notable("partitions", "events of other months lie in the default", remedy))
    return found
