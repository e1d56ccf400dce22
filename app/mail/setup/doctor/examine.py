"""The examination of the account; a refusal of one call costs its own line and no other."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

from app.core.diagnosis import Diagnosis, find_wrong
from app.mail.setup.clients import Aws, AwsError
from app.mail.setup.doctor.account import examine_caller, examine_sending
from app.mail.setup.doctor.dmarc import Resolver
from app.mail.setup.doctor.events import (
    examine_configuration_set,
    examine_destination,
    examine_subscription,
    examine_topic,
    examine_undelivered,
)
from app.mail.setup.doctor.senders import examine_sender
from app.mail.setup.wanted import Wanted

Look = Callable[[], Awaitable[Diagnosis | list[Diagnosis]]]


async def examine_account(
    aws: Aws,
    wanted: Wanted,
    *,
    allowed_topics: Collection[str],
    senders: Mapping[str, Sequence[str]],
    resolver: Resolver,
) -> AsyncIterator[Diagnosis]:
    """Look at everything in AWS; `senders` are the addresses schools send from, by domain."""
    looks: list[tuple[str, Look]] = [
        ("credentials", partial(examine_caller, aws)),
        ("sending", partial(examine_sending, aws)),
        ("configuration set", partial(examine_configuration_set, aws, wanted)),
        ("event destination", partial(examine_destination, aws, wanted)),
        ("topic", partial(examine_topic, aws, wanted, allowed_topics)),
        ("subscription", partial(examine_subscription, aws, wanted)),
        ("undelivered", partial(examine_undelivered, aws, wanted)),
    ]
    for subject, look in looks:
        for each in await _look(subject, look):
            yield each
    for domain, addresses in sorted(senders.items()):
        look = partial(examine_sender, aws, resolver, domain, addresses)
        for each in await _look(f"sender {domain}", look):
            yield each


async def _look(subject: str, look: Look) -> list[Diagnosis]:
    try:
        found = await look()
    except AwsError as error:
        remedy = "Grant what it asks for to the credentials, or try again if AWS is away."
        return [find_wrong(subject, str(error), remedy)]
    return found if isinstance(found, list) else [found]
