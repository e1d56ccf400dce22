"""What an SNS topic's ARN says of the addresses its messages may name: one host, two paths."""

import re
from functools import lru_cache
from urllib.parse import parse_qs

# https://docs.aws.amazon.com/general/latest/gr/sns.html
_TOPIC_ARN = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov):sns:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):\d{12}:[A-Za-z0-9_.-]{1,261}",
    re.ASCII,
)
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-fA-F]{1,128}\.pem", re.ASCII)


def sns_origin(topic_arn: str) -> str | None:
    """Return `https://sns.REGION.amazonaws.com` (`.com.cn` in China) of the topic's own region."""
    arn = _TOPIC_ARN.fullmatch(topic_arn)
    if arn is None:
        return None
    suffix = ".cn" if arn["partition"] == "aws-cn" else ""
    return f"https://sns.{arn['region']}.amazonaws.com{suffix}"


@lru_cache(maxsize=64)  # a topic's messages name one certificate for a year
def is_certificate_url(url: str, topic_arn: str) -> bool:
    """Tell whether the URL is a signing certificate of the topic's region.

    The URL is compared as text, never parsed: no port, user, query, fragment, encoding or other spelling
    of the host can slip through. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
    """
    origin = sns_origin(topic_arn)
    if origin is None or not url.startswith(origin + "/"):
        return False
    return _CERTIFICATE_PATH.fullmatch(url, len(origin)) is not None


def is_confirmation_url(url: str, topic_arn: str, token: str) -> bool:
    """Tell whether the URL confirms a subscription to this very topic, at SNS of its region.

    https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
    """
    origin = sns_origin(topic_arn)
    if origin is None or not url.isascii() or not url.startswith(f"{origin}/?") or "#" in url:
        return False
    try:
        query = parse_qs(url.removeprefix(f"{origin}/?"), strict_parsing=True, max_num_fields=8)
    except ValueError:
        return False
    return query == {"Action": ["ConfirmSubscription"], "TopicArn": [topic_arn], "Token": [token]}
