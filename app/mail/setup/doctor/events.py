"""The way of SES's events: configuration set, destination, topic, subscription, and what got lost on it."""

from collections.abc import Collection

from app.core.diagnosis import Diagnosis, find_notable, find_well, find_wrong
from app.mail.setup.clients import Aws, find
from app.mail.setup.publishing import find_destination, list_gaps
from app.mail.setup.subscription import (
    PENDING,
    find_changes,
    find_subscription,
    read_subscription,
)
from app.mail.setup.topic import find_changes as find_topic_changes
from app.mail.setup.topic import read_topic
from app.mail.setup.undelivered import find_queue, read_queue
from app.mail.setup.wanted import TRACKED_BY_SES, Wanted

SETUP = "Run campaigns aws setup."


async def examine_configuration_set(aws: Aws, wanted: Wanted) -> Diagnosis:
    """Look whether the configuration set is there, and may send."""
    subject, name = "configuration set", wanted.configuration_set
    found = await find(aws.ses.get_configuration_set(ConfigurationSetName=name))
    if found is None:
        return find_wrong(subject, f"{name} does not exist", SETUP)
    if not found.get("SendingOptions", {}).get("SendingEnabled", True):
        return find_wrong(subject, f"sending is switched off for {name}", "Enable it in the SES console.")
    return find_well(subject, name)


async def examine_destination(aws: Aws, wanted: Wanted) -> Diagnosis:
    """Look whether it publishes every event we read, to our topic."""
    subject = "event destination"
    destination = await find_destination(aws, wanted)
    if destination is None:
        return find_wrong(subject, f"none publishes to {wanted.topic_arn}", SETUP)
    if gaps := list_gaps(destination):
        return find_wrong(subject, f"lacks {', '.join(gaps)}", SETUP)
    if tracked := TRACKED_BY_SES & set(destination["MatchingEventTypes"]):
        remedy = "Leave them out: SES then rewrites links and adds a pixel, over those of ours."
        return find_notable(subject, f"also publishes {', '.join(sorted(tracked))}", remedy)
    return find_well(subject, "publishes every event that is read here")


async def examine_topic(aws: Aws, wanted: Wanted, allowed: Collection[str]) -> list[Diagnosis]:
    """Look at the topic's attributes, and whether our own allow-list has it."""
    subject = "topic"
    attributes = await read_topic(aws, wanted.topic_arn)
    if attributes is None:
        return [find_wrong(subject, f"{wanted.topic_arn} does not exist", SETUP)]
    found = []
    changes = find_topic_changes(attributes, wanted)
    if "Policy" in changes:
        found.append(find_wrong(subject, "SES may not publish to it", SETUP))
    elif changes:
        found.append(find_notable(subject, f"differs in {', '.join(changes)}", SETUP))
    else:
        found.append(find_well(subject, wanted.topic_arn))
    if attributes.get("KmsMasterKeyId"):
        remedy = "The key's policy must let ses.amazonaws.com use it (kms:GenerateDataKey, kms:Decrypt)."
        found.append(find_notable(subject, "is encrypted with a key of its own", remedy))
    if wanted.topic_arn not in allowed:
        remedy = f"Set CAMPAIGNS_SNS_TOPIC_ARNS={wanted.topic_arn} and start the API anew."
        found.append(find_wrong(subject, "its messages are refused: it is not on the allow-list", remedy))
    return found


async def examine_subscription(aws: Aws, wanted: Wanted) -> Diagnosis:
    """Look whether the topic delivers to this deployment's webhook."""
    subject = "subscription"
    arn = await find_subscription(aws, wanted)
    if arn is None:
        return find_wrong(subject, f"none points to {wanted.webhook}", SETUP)
    if arn == PENDING:
        remedy = "Start the API where AWS reaches it, with the topic allowed; then run campaigns aws setup."
        return find_wrong(subject, "is not confirmed", remedy)
    changes = find_changes(await read_subscription(aws, arn), wanted)
    if "RawMessageDelivery" in changes:
        return find_wrong(subject, "delivers raw messages, which are not signed", SETUP)
    if changes:
        return find_notable(subject, "what it cannot deliver for an hour is lost: no queue keeps it", SETUP)
    return find_well(subject, f"confirmed, to {wanted.webhook}")


async def examine_undelivered(aws: Aws, wanted: Wanted) -> Diagnosis:
    """Look whether SNS gave up on any event."""
    subject = "undelivered"
    url = await find_queue(aws, wanted.queue)
    if url is None:
        return find_notable(subject, f"the queue {wanted.queue} does not exist", SETUP)
    waiting = int((await read_queue(aws, url)).get("ApproximateNumberOfMessages", 0))
    if waiting:
        remedy = "Have them delivered again within two weeks: campaigns aws redrive."
        return find_wrong(subject, f"SNS gave up on about {waiting:,} events", remedy)
    return find_well(subject, "SNS gave up on none")
