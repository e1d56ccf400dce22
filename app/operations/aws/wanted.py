"""What the account must hold for this deployment, by its settings."""

from typing import NoReturn

from app.core.config import Settings, SettingsError
from app.mail.setup.clients import Aws
from app.mail.setup.complete import plan_account
from app.mail.setup.wanted import Wanted

WEBHOOK = "/webhooks/ses"


async def plan_deployment(aws: Aws, settings: Settings) -> Wanted:
    """Return what is wanted; raise SettingsError where a setting does not allow it, AwsError as AWS does.

    The topic is the first of the allow-list, where there is one.
    """
    if not settings.ses_configuration_set:
        _refuse("CAMPAIGNS_SES_CONFIGURATION_SET: is not set; any name will do, such as campaigns")
    if not settings.public_url.startswith("https://"):
        _refuse("CAMPAIGNS_PUBLIC_URL: must be https for SNS to deliver events to it")
    named = settings.sns_topic_arns[0].rpartition(":")[2] if settings.sns_topic_arns else ""
    return await plan_account(
        aws,
        configuration_set=settings.ses_configuration_set,
        topic=named or f"{settings.ses_configuration_set}-events",
        webhook=settings.public_url + WEBHOOK,
    )


def _refuse(reason: str) -> NoReturn:
    raise SettingsError(reason)
