"""The account as this deployment needs it: AWS's side, then what only the database and the network tell."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Final

import httpx

from app.core.config import Settings
from app.core.db import Database, is_disconnect, run_sql
from app.core.diagnosis import Diagnosis, find_notable, find_well, find_wrong
from app.mail.setup.clients import open_aws
from app.mail.setup.doctor.dmarc import Resolver
from app.mail.setup.doctor.examine import examine_account
from app.operations.aws.wanted import plan_deployment

MOST_SENDERS = 1000
REACH_SECONDS = 10.0

_SENDERS: Final = "SELECT DISTINCT lower(from_email) FROM schools ORDER BY 1 LIMIT $1"
_HEARD: Final = """
    SELECT extract(epoch FROM now() - last_event_at) / 3600 FROM configuration_sets WHERE name = $1
"""


async def examine_aws(
    settings: Settings, *, hours: int, resolver: Resolver, client: httpx.AsyncClient
) -> AsyncIterator[Diagnosis]:
    """Look at everything between a message and SES's word of it; the last may be `hours` old.

    Raise SettingsError and AwsError where nothing can be looked at.
    """
    database = Database(settings, name="campaigns-doctor")
    try:
        async with open_aws() as aws:
            wanted = await plan_deployment(aws, settings)
            senders, heard = await _read_database(database, wanted.configuration_set, hours)
            async for each in examine_account(
                aws,
                wanted,
                allowed_topics=settings.sns_topic_arns,
                senders=_group_by_domain(senders),
                resolver=resolver,
            ):
                yield each
        yield heard
        yield await examine_reach(client, settings.public_url)
    finally:
        await database.close()


async def _read_database(
    database: Database, configuration_set: str, hours: int
) -> tuple[list[str], Diagnosis]:
    try:
        async with database.connection() as connection:
            senders = [row[0] for row in await run_sql(connection, _SENDERS, MOST_SENDERS)]
            rows = await run_sql(connection, _HEARD, configuration_set)
    except Exception as error:
        if not is_disconnect(error):
            raise
        return [], find_wrong("PostgreSQL", "away: schools and events are not known", "See campaigns doctor.")
    return senders, _judge_silence(float(rows[0][0]) if rows else None, hours)


def _judge_silence(age: float | None, hours: int) -> Diagnosis:
    subject = "events"
    if age is None:
        remedy = "Send a message: until one came, nobody's unknown outcome can be settled by evidence."
        return find_wrong(subject, "none was ever received", remedy)
    if age > hours:
        return find_notable(subject, f"the last came {age:,.0f} h ago", "Well, if nothing was sent since.")
    return find_well(subject, f"the last came {max(age, 0):.1f} h ago")


def _group_by_domain(senders: Sequence[str]) -> dict[str, list[str]]:
    domains: dict[str, list[str]] = defaultdict(list)
    for address in senders:
        domains[address.rpartition("@")[2]].append(address)
    return domains


async def examine_reach(client: httpx.AsyncClient, public_url: str) -> Diagnosis:
    """Look whether the public URL leads to this API."""
    subject = "public URL"
    try:
        answer = await client.get(f"{public_url}/healthz", timeout=REACH_SECONDS)
        body = answer.json() if answer.is_success else None
    except (httpx.HTTPError, ValueError) as error:
        words = f"{public_url} does not answer as the API does: {type(error).__name__}"
        return find_wrong(subject, words, "Links and events need it: check DNS, proxy, certificate.")
    if body != {"status": "ok"}:
        words = f"{public_url} is answered by something else ({answer.status_code})"
        return find_wrong(subject, words, "Route it to campaigns api.")
    return find_well(subject, f"{public_url} leads to the API")
