"""`campaigns aws setup`: everything that is wanted, in the order in which one thing needs the other."""

from collections.abc import AsyncIterator

from app.mail.setup.clients import Aws, ask
from app.mail.setup.publishing import ensure_configuration_set, ensure_destination
from app.mail.setup.steps import Step
from app.mail.setup.subscription import ensure_subscription
from app.mail.setup.topic import ensure_topic
from app.mail.setup.undelivered import ensure_queue
from app.mail.setup.wanted import Wanted


async def plan_account(aws: Aws, *, configuration_set: str, topic: str, webhook: str) -> Wanted:
    """Return what is wanted in the account whose credentials these are; raise AwsError when they are none's.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    caller = await ask(aws.sts.get_caller_identity())
    partition = str(caller["Arn"]).split(":")[1]
    return Wanted(partition, aws.region, str(caller["Account"]), configuration_set, topic, webhook)


async def complete_account(aws: Aws, wanted: Wanted, *, dry_run: bool) -> AsyncIterator[Step]:
    """Create or complete each thing, and tell it; whatever is there already is left as it is.

    The topic and its policy come before the destination: SES tries to publish when it is created.
    """
    yield await ensure_topic(aws, wanted, dry_run=dry_run)
    yield await ensure_queue(aws, wanted, dry_run=dry_run)
    yield await ensure_configuration_set(aws, wanted, dry_run=dry_run)
    yield await ensure_destination(aws, wanted, dry_run=dry_run)
    yield await ensure_subscription(aws, wanted, dry_run=dry_run)
