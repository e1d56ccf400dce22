"""The allowed topic, and a campaign whose mail SES has taken."""

from pathlib import Path
from uuid import UUID

import httpx
import pytest

from app.core.db import Database
from app.mail.instants import parse_instant
from app.recipients.facts import FactKind
from tests.campaigns.prepared import record, send_prepared
from tests.feedback.posted import Topic, make_message_id, make_signer
from tests.mail.ses_events import MAILED_AT
from tests.school import SchoolClient

PEOPLE = 3


@pytest.fixture
def topic(public: httpx.AsyncClient, certificate_directory: Path) -> Topic:
    """The topic whose messages are taken."""
    return Topic(public, make_signer(certificate_directory))


@pytest.fixture
async def campaign(school: SchoolClient, database: Database) -> UUID:
    """A marketing campaign to three people, all handed off."""
    await school.push_users(PEOPLE, marketing="subscribed", newsletter="subscribed")
    campaign = await send_prepared(school, database)
    for number in range(1, PEOPLE + 1):
        message_id = make_message_id(campaign, number)
        await record(
            database,
            school,
            campaign,
            number,
            FactKind.ACCEPTED,
            at=parse_instant(MAILED_AT),
            message_id=message_id,
        )
    return campaign
