"""The host rule: which URLs an SNS message of a topic may name."""

import pytest

from app.mail.topics import is_certificate_url, is_confirmation_url, sns_origin
from tests.mail.sns_signer import CERTIFICATE_URL, ORIGIN, SUBSCRIBE_URL, TOKEN, TOPIC

PATH = "/SimpleNotificationService-0123456789abcdef.pem"

LOOK_ALIKES = [
    "",
    "sns.eu-west-1.amazonaws.com" + PATH,
    "http://sns.eu-west-1.amazonaws.com" + PATH,
    "HTTPS://sns.eu-west-1.amazonaws.com" + PATH,
    "https://SNS.eu-west-1.amazonaws.com" + PATH,
    "https://sns.eu-west-2.amazonaws.com" + PATH,
    "https://sns.us-east-1.amazonaws.com" + PATH,
    "https://sns.eu-west-1.amazonaws.com.cn" + PATH,
    "https://sns.eu-west-1.amazonaws.com.evil.test" + PATH,
    "https://sns.eu-west-1.amazonaws.com." + PATH,
    "https://sns.eu-west-1.amazonaws.com:443" + PATH,
    "https://sns.eu-west-1.amazonaws.com:8443" + PATH,
    "https://sns.eu-west-1.amazonaws.com@evil.test" + PATH,
    "https://evil.test@sns.eu-west-1.amazonaws.com" + PATH,
    "https://user:secret@sns.eu-west-1.amazonaws.com" + PATH,
    "https://sns.eu-west-1.amazonaws.com\\@evil.test" + PATH,
    "https://sns.eu-west-1.amazonaws.com#@evil.test" + PATH,
    "https://sns.eu-west-1.amazonaws.com%2eevil.test" + PATH,
    "https://sns.eu-west-1.amazonaws.com\t" + PATH,
    "https://sns.eu-west-1.amazonaws.com//" + PATH,
    "https://sns.eu-west-1.amazonaws.com/x" + PATH,
    "https://sns.eu-west-1.amazonaws.com/../" + PATH,
    "https://sns.eu-west-1.amazonaws.com" + PATH + "?x=1",
    "https://sns.eu-west-1.amazonaws.com" + PATH + "#x",
    "https://sns.eu-west-1.amazonaws.com" + PATH + ";x",
    "https://sns.eu-west-1.amazonaws.com" + PATH + "/",
    "https://sns.eu-west-1.amazonaws.com" + PATH + "\n",
    "https://sns.eu-west-1.amazonaws.com" + PATH + "\r\nX: y",
    "https://sns.eu-west-1.amazonaws.com" + PATH + "%00",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-xyz.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-12/34.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-%31.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-１.pem",
    "https://sns.eu-west-1.amazonaws.com/simplenotificationservice-12.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-12.crt",
    f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{'a' * 129}.pem",
    "https://s3.eu-west-1.amazonaws.com" + PATH,
    "https://xsns.eu-west-1.amazonaws.com" + PATH,
    "https://sns.eu-west-1.amazonaws.co" + PATH,
    "https://sns-eu-west-1.amazonaws.com" + PATH,
    "https://snѕ.eu-west-1.amazonaws.com" + PATH,
    "https://127.0.0.1" + PATH,
    " https://sns.eu-west-1.amazonaws.com" + PATH,
    "//sns.eu-west-1.amazonaws.com" + PATH,
    "file:///etc/passwd",
]


@pytest.mark.parametrize(
    ("topic", "origin"),
    [
        (TOPIC, ORIGIN),
        ("arn:aws:sns:ap-southeast-2:123456789012:a.fifo", "https://sns.ap-southeast-2.amazonaws.com"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:a", "https://sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:a", "https://sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws:sqs:eu-west-1:123456789012:a", None),
        ("arn:aws:sns:eu-west-1.evil.test/:123456789012:a", None),
        ("arn:aws:sns::123456789012:a", None),
        ("arn:aws:sns:eu-west-1:12:a", None),
        (TOPIC + "\n", None),
        ("", None),
    ],
)
def test_a_topic_says_where_its_sns_is(topic: str, origin: str | None) -> None:
    assert sns_origin(topic) == origin


def test_certificates_of_the_region_are_accepted() -> None:
    assert is_certificate_url(CERTIFICATE_URL, TOPIC)
    china = "https://sns.cn-north-1.amazonaws.com.cn" + PATH
    assert is_certificate_url(china, "arn:aws-cn:sns:cn-north-1:123456789012:a")
    assert not is_certificate_url(
        "https://sns.cn-north-1.amazonaws.com" + PATH, "arn:aws-cn:sns:cn-north-1:1:a"
    )


@pytest.mark.parametrize("url", LOOK_ALIKES)
def test_look_alikes_are_not(url: str) -> None:
    assert not is_certificate_url(url, TOPIC)
    assert not is_certificate_url(url, "no topic")


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        (SUBSCRIBE_URL, True),
        (SUBSCRIBE_URL.replace(":", "%3A").replace("https%3A", "https:"), True),
        (f"{ORIGIN}/?Token={TOKEN}&TopicArn={TOPIC}&Action=ConfirmSubscription", True),
        (SUBSCRIBE_URL.replace("https:", "http:"), False),
        (SUBSCRIBE_URL.replace(".com/", ".com:8000/"), False),
        (SUBSCRIBE_URL.replace(".com/", ".com.evil.test/"), False),
        (SUBSCRIBE_URL.replace(".com/", ".com/x/"), False),
        (SUBSCRIBE_URL.replace("sns.eu-west-1", "sns.eu-west-2"), False),
        (SUBSCRIBE_URL.replace("ConfirmSubscription", "DeleteTopic"), False),
        (SUBSCRIBE_URL.replace("ses-events", "other-topic"), False),
        (SUBSCRIBE_URL.replace(TOKEN, "another"), False),
        (SUBSCRIBE_URL + "&Action=DeleteTopic", False),
        (SUBSCRIBE_URL + "&AuthenticateOnUnsubscribe=true", False),
        (SUBSCRIBE_URL + "#x", False),
        (SUBSCRIBE_URL + "&x", False),
        (SUBSCRIBE_URL + "é", False),
        (f"{ORIGIN}/?" + "a=1&" * 20, False),
        (f"{ORIGIN}/?", False),
        (f"{ORIGIN}/", False),
        ("", False),
    ],
)
def test_only_the_confirmation_of_this_topic_is_visited(url: str, accepted: bool) -> None:
    assert is_confirmation_url(url, TOPIC, TOKEN) is accepted
