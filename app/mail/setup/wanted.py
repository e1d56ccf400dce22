"""What an account must hold for events of SES to reach the webhook, whatever happens on the way (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

EVENT_TYPES: Final = (
    "SEND",
    "REJECT",
    "BOUNCE",
    "COMPLAINT",
    "DELIVERY",
    "RENDERING_FAILURE",
    "DELIVERY_DELAY",
    "SUBSCRIPTION",
)
"""All but OPEN and CLICK: for these SES puts a pixel of its own into each mail and rewrites its links, over
ours; every visit would be told twice, and the HTML would no longer be the author's.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestinationDefinition.html"""
TRACKED_BY_SES: Final = frozenset({"OPEN", "CLICK"})
DESTINATION: Final = "campaigns-events"
QUEUE_SECONDS: Final = 14 * 24 * 3600
"""SQS's longest retention. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"""
_SES: Final = "CampaignsSesPublishes"
_SNS: Final = "CampaignsSnsGivesUp"

_SHORTEST, _LONGEST = 5, 60
"""Seconds between two tries."""
_SOON, _BETWEEN, _LATER = 3, 10, 48
"""Retries with the shortest pause, with growing ones, with the longest."""
_RETRIES: Final = {
    "minDelayTarget": _SHORTEST,
    "maxDelayTarget": _LONGEST,
    "numRetries": _SOON + _BETWEEN + _LATER,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": _SOON,
    "numMaxDelayRetries": _LATER,
    "backoffFunction": "linear",
}
"""As long as SNS tries at most: an hour in all.
https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html"""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names of all that is wanted, in one account and region. `webhook` is a public https URL."""

    partition: str
    region: str
    account: str
    configuration_set: str
    topic: str
    webhook: str

    @property
    def topic_arn(self) -> str:
        """The topic's ARN."""
        return f"arn:{self.partition}:sns:{self.region}:{self.account}:{self.topic}"

    @property
    def queue(self) -> str:
        """The name of the queue of what SNS gave up to deliver."""
        return f"{self.topic}-undelivered"[:80]

    @property
    def queue_arn(self) -> str:
        """The queue's ARN."""
        return f"arn:{self.partition}:sqs:{self.region}:{self.account}:{self.queue}"

    @property
    def configuration_set_arn(self) -> str:
        """The configuration set's ARN."""
        resource = f"configuration-set/{self.configuration_set}"
        return f"arn:{self.partition}:ses:{self.region}:{self.account}:{resource}"

    @property
    def publishing(self) -> Document:
        """The statement that lets SES, for this account and configuration set alone, publish to the topic.

        https://docs.aws.amazon.com/ses/latest/dg/configure-sns-notifications.html
        """
        return {
            "Sid": _SES,
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": self.topic_arn,
            "Condition": {
                "StringEquals": {
                    "AWS:SourceAccount": self.account,
                    "AWS:SourceArn": self.configuration_set_arn,
                }
            },
        }

    @property
    def giving_up(self) -> Document:
        """The statement that lets SNS put what it could not deliver into the queue.

        https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
        """
        return {
            "Sid": _SNS,
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.topic_arn}},
        }

    @property
    def delivery_policy(self) -> Document:
        """How long SNS tries to reach the webhook, before it gives up."""
        return {"http": {"defaultHealthyRetryPolicy": dict(_RETRIES), "disableSubscriptionOverrides": False}}

    @property
    def redrive_policy(self) -> Document:
        """Where the subscription's undelivered messages go."""
        return {"deadLetterTargetArn": self.queue_arn}

    @property
    def destination(self) -> Document:
        """The event destination: everything SES does with a mail, to the topic."""
        return {
            "Enabled": True,
            "MatchingEventTypes": list(EVENT_TYPES),
            "SnsDestination": {"TopicArn": self.topic_arn},
        }


def add_statement(policy: Document | None, statement: Document) -> Document:
    """Return the policy with this statement in place of the one with its Sid; all others stay."""
    statements = (policy or {}).get("Statement", [])
    others = [each for each in statements if each.get("Sid") != statement["Sid"]]
    return {"Version": "2012-10-17", "Statement": [*others, statement]}


def has_statement(policy: Document | None, statement: Document) -> bool:
    """Tell whether the policy holds just this statement."""
    return statement in (policy or {}).get("Statement", [])


def longest_retries() -> int:
    """Return the seconds for which SNS tries at most, each pause as long as it may be."""
    first, others = _SOON, _LATER + _BETWEEN
    return first * _SHORTEST + others * _LONGEST
