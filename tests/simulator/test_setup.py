"""Setting the account up: configuration sets, destinations and identities as SES has them; a webhook."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.simulator.certificate import load_certificate
from app.simulator.client import SimulatorClient
from tests.simulator.conftest import StartSimulator
from tests.simulator.product import Product

pytestmark = pytest.mark.anyio

SET = {"ConfigurationSetName": "mine"}
DESTINATION = {
    "Enabled": True,
    "MatchingEventTypes": ["BOUNCE"],
    "SnsDestination": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:campaigns-events"},
}


async def refuse(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        await call
    return str(caught.value.response["Error"]["Code"])


async def test_configuration_sets_and_destinations_live_as_at_ses(ses: Any) -> None:
    assert await refuse(ses.get_configuration_set(**SET)) == "NotFoundException"
    assert await refuse(ses.get_configuration_set_event_destinations(**SET)) == "NotFoundException"
    await ses.create_configuration_set(**SET, SendingOptions={"SendingEnabled": True})
    assert await refuse(ses.create_configuration_set(**SET)) == "AlreadyExistsException"
    await ses.put_configuration_set_sending_options(**SET, SendingEnabled=False)
    found = await ses.get_configuration_set(**SET)
    assert (found["ConfigurationSetName"], found["SendingOptions"]) == ("mine", {"SendingEnabled": False})
    named = {**SET, "EventDestinationName": "events"}
    change = ses.update_configuration_set_event_destination
    create = ses.create_configuration_set_event_destination
    assert await refuse(change(**named, EventDestination=DESTINATION)) == "NotFoundException"
    await create(**named, EventDestination=DESTINATION)
    assert await refuse(create(**named, EventDestination=DESTINATION)) == "AlreadyExistsException"
    await change(**named, EventDestination={**DESTINATION, "Enabled": False})
    (destination,) = (await ses.get_configuration_set_event_destinations(**SET))["EventDestinations"]
    assert (destination["Name"], destination["Enabled"]) == ("events", False)


async def test_identities_are_what_the_settings_say(ses: Any, simulator: SimulatorClient) -> None:
    found = await ses.get_email_identity(EmailIdentity="school.example")
    assert (found["IdentityType"], found["VerifiedForSendingStatus"]) == ("DOMAIN", True)
    found = await ses.get_email_identity(EmailIdentity="news@school.example")
    assert found["IdentityType"] == "EMAIL_ADDRESS"
    await simulator.change_settings(
        sending={"unverified_domains": ["school.example"], "absent_domains": ["gone.example"]}
    )
    found = await ses.get_email_identity(EmailIdentity="school.example")
    assert (found["VerifiedForSendingStatus"], found["DkimAttributes"]["Status"]) == (False, "PENDING")
    assert await refuse(ses.get_email_identity(EmailIdentity="gone.example")) == "NotFoundException"


async def test_a_webhook_given_at_the_start_is_subscribed(
    product: Product, start_simulator: StartSimulator
) -> None:
    url = start_simulator(webhook=product.webhook)
    product.confirm_at(url)
    async with SimulatorClient(url) as other:
        await other.settle()
        (answer,) = await other.publish("hello")
    assert answer.status == 200


def test_a_certificate_can_be_named(tmp_path: Path) -> None:
    made = load_certificate(tmp_path, "5e5")
    assert made.file_name == "SimpleNotificationService-5e5.pem"
    assert load_certificate(tmp_path, "other").path == made.path
