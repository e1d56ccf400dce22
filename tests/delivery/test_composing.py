"""What a claimed batch says to SES: everything a recipient's copy needs, and nothing of another's."""

import re
from uuid import UUID

import pytest

from app.core.config import Settings
from app.core.db import Database
from app.core.signing import Purpose, RecipientRef, Signer
from app.delivery.composing import Letters, compose_batch
from app.delivery.fairness import Turn
from app.delivery.planning import prepare_campaign
from app.mail.types import OutgoingBatch
from tests.delivery.campaigns import claim_some, open_campaign
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


async def compose(database: Database, settings: Settings, turn: Turn) -> OutgoingBatch:
    claimed = await claim_some(database, turn)
    async with database.connection() as connection:
        letter = await Letters().read(connection, turn.school_id, turn.campaign_id)
    return compose_batch(letter, claimed, signer=Signer(settings.secret_keys), public_url=settings.public_url)


async def test_every_variable_of_the_templates_is_given_to_everybody(
    school: SchoolClient, database: Database, settings: Settings
) -> None:
    batch = await compose(database, settings, await open_campaign(database, school, 3))
    named = set(re.findall(r"\{\{([a-z0-9]+)\}\}", batch.subject + batch.html + batch.text))
    assert named
    for email in batch.emails:
        assert named <= set(email.values)
        assert all(isinstance(value, str) for value in email.values.values())


async def test_tags_name_the_recipient_and_the_address_is_theirs(
    school: SchoolClient, database: Database, settings: Settings
) -> None:
    turn = await open_campaign(database, school, 3)
    batch = await compose(database, settings, turn)
    assert [email.tags["recipient_id"] for email in batch.emails] == ["1", "2", "3"]
    assert {email.tags["campaign_id"] for email in batch.emails} == {str(turn.campaign_id)}
    assert {email.tags["school_id"] for email in batch.emails} == {str(school.id)}
    assert [email.address for email in batch.emails] == [f"user{n}@school.example" for n in (1, 2, 3)]
    assert (batch.sender, batch.sender_name) == ("news@school.example", "Riverside School")


async def test_tokens_are_the_recipients_own_and_each_good_for_one_thing(
    school: SchoolClient, database: Database, settings: Settings
) -> None:
    turn = await open_campaign(database, school, 2)
    batch = await compose(database, settings, turn)
    signer = Signer(settings.secret_keys)
    for number, email in enumerate(batch.emails, 1):
        ref = RecipientRef(school.id, turn.campaign_id, number)
        text = " ".join(email.values.values()) + email.headers["List-Unsubscribe"]
        tokens = set(re.findall(r"[A-Za-z0-9_-]{71}", text))
        found = {purpose for purpose in Purpose for token in tokens if signer.verify(purpose, token) == ref}
        assert found == set(Purpose)
        assert all(any(signer.verify(purpose, token) == ref for purpose in Purpose) for token in tokens)


@pytest.mark.parametrize("message_type", ["marketing", "newsletter"])
async def test_one_click_unsubscribing_for_what_can_be_unsubscribed(
    school: SchoolClient, database: Database, settings: Settings, message_type: str
) -> None:
    turn = await open_campaign(database, school, 1, message_type=message_type)
    headers = (await compose(database, settings, turn)).emails[0].headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<http://campaigns\.test/u/[A-Za-z0-9_-]{71}>", headers["List-Unsubscribe"])


async def test_operational_mail_has_no_unsubscribe_header(
    school: SchoolClient, database: Database, settings: Settings
) -> None:
    turn = await open_campaign(database, school, 1, message_type="operational")
    assert (await compose(database, settings, turn)).emails[0].headers == {}


async def test_attributes_are_merged_and_escaped(
    school: SchoolClient, database: Database, settings: Settings
) -> None:
    await school.push(
        "users", {"external_id": "u1", "email": "a@b.example", "attributes": {"town": "<Jaén>"}}
    )
    html = '<body><p>{{ attributes.town | "here" }} {{ first_name | "you" }}</p></body>'
    campaign = await school.send(html=html, message_type="operational")
    turn = await _freeze(database, school, campaign["id"])
    values = (await compose(database, settings, turn)).emails[0].values.values()
    assert "&lt;Jaén&gt;" in values
    assert "you" in values


async def _freeze(database: Database, school: SchoolClient, campaign: str) -> Turn:
    campaign_id = UUID(campaign)
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign_id)
    return Turn(school.id, campaign_id, operational=True)


async def test_what_the_school_changes_meanwhile_holds_from_the_next_batch_on(
    school: SchoolClient, database: Database, settings: Settings
) -> None:
    """A wrong tenant pauses the campaign: once it is put right, resuming must not send as the wrong one."""
    html = "<body><p>{{ school_name }}</p></body>"
    turn = await open_campaign(database, school, 2, batch_size=1, html=html)
    letters, sent = Letters(), []
    for name, tenant in (("Riverside", "wrong"), ("Lakeside", "right")):
        answer = await school.http.patch("/v1/school", json={"name": name, "ses_tenant": tenant})
        assert answer.status_code == 200
        claimed = await claim_some(database, turn)
        letter = letters.find(turn.campaign_id)
        if letter is None:
            async with database.connection() as connection:
                letter = await letters.read(connection, turn.school_id, turn.campaign_id)
        signer = Signer(settings.secret_keys)
        sent.append(compose_batch(letter, claimed, signer=signer, public_url=settings.public_url))
    assert [batch.tenant for batch in sent] == ["wrong", "right"]
    assert ["Riverside" in batch.emails[0].values.values() for batch in sent] == [True, False]
    assert ["Lakeside" in batch.emails[0].values.values() for batch in sent] == [False, True]
