"""The body of SendBulkEmail, proved against botocore's own model of the service."""

import json

import botocore.session
import pytest
from botocore.validate import ParamValidator

from app.mail.addresses import UnsendableAddress
from app.mail.encoding import UnusableMessage, batch_size_bytes, encode_batch, single_request
from app.mail.types import OutcomeKind, OutgoingBatch, OutgoingEmail, SingleEmail

EMAIL = OutgoingEmail(
    "ann@x.test",
    {"first_name": 'A"n\nn é', "code": "1"},
    {"List-Unsubscribe": "<https://x.test/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    {"campaign_id": "c-1", "recipient_id": "7"},
)


def make_batch(
    *emails: OutgoingEmail,
    reply_to: str | None = "desk@school.test",
    tenant: str | None = "school-1",
    subject: str = "Hi {{first_name}}",
) -> OutgoingBatch:
    return OutgoingBatch(
        "office@school.test", "Schüle", reply_to, subject, "<p>{{first_name}}</p>", "{{code}}", emails, tenant
    )


def make_single(*, sender: str = "office@school.test", address: str = "ann@x.test") -> SingleEmail:
    return SingleEmail(sender, "School", None, address, "Hi", "<p>é</p>", "é", {"X-Test": "1"}, {"test": "1"})


def validate(operation: str, params: dict[str, object]) -> str:
    model = botocore.session.get_session().get_service_model("sesv2").operation_model(operation)
    report: str = ParamValidator().validate(params, model.input_shape).generate_report()
    return report


def test_the_body_is_what_the_service_model_allows() -> None:
    body = json.loads(encode_batch(make_batch(EMAIL, EMAIL), "our-set").body)
    assert validate("SendBulkEmail", body) == ""


def test_every_part_is_in_its_place() -> None:
    body = json.loads(encode_batch(make_batch(EMAIL), "our-set").body)
    assert body == {
        "FromEmailAddress": "=?utf-8?q?Sch=C3=BCle?= <office@school.test>",
        "ReplyToAddresses": ["desk@school.test"],
        "ConfigurationSetName": "our-set",
        "TenantName": "school-1",
        "DefaultContent": {
            "Template": {
                "TemplateContent": {
                    "Subject": "Hi {{first_name}}",
                    "Html": "<p>{{first_name}}</p>",
                    "Text": "{{code}}",
                },
                "TemplateData": "{}",
            }
        },
        "BulkEmailEntries": [
            {
                "Destination": {"ToAddresses": ["ann@x.test"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {
                        "ReplacementTemplateData": '{"first_name":"A\\"n\\nn é","code":"1"}',
                    }
                },
                "ReplacementHeaders": [
                    {"Name": "List-Unsubscribe", "Value": "<https://x.test/u>"},
                    {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                ],
                "ReplacementTags": [
                    {"Name": "campaign_id", "Value": "c-1"},
                    {"Name": "recipient_id", "Value": "7"},
                ],
            }
        ],
    }


def test_what_is_not_given_is_not_sent() -> None:
    body = json.loads(encode_batch(make_batch(EMAIL, reply_to=None, tenant=None)).body)
    assert not {"ReplyToAddresses", "ConfigurationSetName", "TenantName"} & body.keys()


def test_text_that_no_json_holds_fails_its_recipient_alone() -> None:
    request = encode_batch(make_batch(OutgoingEmail("b@x.test", {"name": "\ud800"}), EMAIL))
    assert {place: outcome.kind for place, outcome in request.refused.items()} == {0: OutcomeKind.FAILED}
    assert len(json.loads(request.body)["BulkEmailEntries"]) == 1


def test_a_shared_text_that_no_json_holds_is_unusable() -> None:
    with pytest.raises(UnusableMessage):
        encode_batch(make_batch(EMAIL, subject="\ud800"))


def test_an_unsendable_reply_to_is_unusable() -> None:
    with pytest.raises(UnusableMessage, match="reply-to"):
        encode_batch(make_batch(EMAIL, reply_to="nobody"))


def test_the_size_is_that_of_the_body() -> None:
    batch = make_batch(EMAIL, EMAIL)
    assert batch_size_bytes(batch, "our-set") == len(encode_batch(batch, "our-set").body)


def test_a_single_email_is_what_the_service_model_allows() -> None:
    request = single_request(make_single(), "our-set")
    assert validate("SendEmail", request) == ""
    assert request["Content"]["Simple"]["Body"]["Html"] == {"Data": "<p>é</p>", "Charset": "UTF-8"}
    assert request["EmailTags"] == [{"Name": "test", "Value": "1"}]


def test_a_single_email_blames_the_right_address() -> None:
    with pytest.raises(UnsendableAddress):
        single_request(make_single(address="ünï@x.test"))
    with pytest.raises(UnusableMessage):
        single_request(make_single(sender="ünï@x.test"))
