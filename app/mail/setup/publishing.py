"""The SES configuration set, and its event destination: what SES publishes, and where to."""

from typing import Any

from app.mail.setup.clients import Aws, ask, find
from app.mail.setup.steps import Step, tell, tell_changes
from app.mail.setup.wanted import DESTINATION, EVENT_TYPES, Wanted


async def ensure_configuration_set(aws: Aws, wanted: Wanted, *, dry_run: bool) -> Step:
    """Create the configuration set; one that exists stays as it is.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSet.html
    """
    name = wanted.configuration_set
    thing = f"SES configuration set {name}"
    if await find(aws.ses.get_configuration_set(ConfigurationSetName=name)) is not None:
        return Step(thing, "exists")
    if not dry_run:
        await ask(
            aws.ses.create_configuration_set(
                ConfigurationSetName=name,
                ReputationOptions={"ReputationMetricsEnabled": True},
                SendingOptions={"SendingEnabled": True},
            )
        )
    return tell(thing, "created", dry_run=dry_run)


async def ensure_destination(aws: Aws, wanted: Wanted, *, dry_run: bool) -> Step:
    """Create the event destination, or have it publish what it lacks; event types it has besides stay.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSetEventDestination.html
    """
    thing = f"event destination to {wanted.topic}"
    destination = await find_destination(aws, wanted)
    target = {"ConfigurationSetName": wanted.configuration_set}
    if destination is None:
        if not dry_run:
            call = aws.ses.create_configuration_set_event_destination
            await ask(call(**target, EventDestinationName=DESTINATION, EventDestination=wanted.destination))
        return tell(thing, "created", dry_run=dry_run)
    changes = list_gaps(destination)
    if changes and not dry_run:
        types = {*destination.get("MatchingEventTypes", ()), *EVENT_TYPES}
        completed = {**wanted.destination, "MatchingEventTypes": sorted(types)}
        call = aws.ses.update_configuration_set_event_destination
        await ask(call(**target, EventDestinationName=destination["Name"], EventDestination=completed))
    return tell_changes(thing, changes, dry_run=dry_run)


async def find_destination(aws: Aws, wanted: Wanted) -> dict[str, Any] | None:
    """Return the destination that publishes to the topic; None where there is none, nor the set."""
    call = aws.ses.get_configuration_set_event_destinations
    answer = await find(call(ConfigurationSetName=wanted.configuration_set)) or {}
    for each in answer.get("EventDestinations", ()):
        if each.get("SnsDestination", {}).get("TopicArn") == wanted.topic_arn:
            return dict(each)
    return None


def list_gaps(destination: dict[str, Any]) -> list[str]:
    """Return what the destination lacks (pure)."""
    missing = [each for each in EVENT_TYPES if each not in destination.get("MatchingEventTypes", ())]
    return missing if destination.get("Enabled") else ["enabled", *missing]
