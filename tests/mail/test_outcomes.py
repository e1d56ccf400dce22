"""The table of outcomes: every status, every refusal, and what each is certain of."""

import botocore.session
import pytest

from app.mail.outcomes import (
    ENTRY_KINDS,
    accept_message,
    classify_entry,
    classify_refusal,
    classify_results,
    fill_places,
    is_known_status,
)
from app.mail.types import Outcome, OutcomeKind

SENDER = "office@school.test"

STATUSES = [
    ("SUCCESS", OutcomeKind.SENT),
    ("MESSAGE_REJECTED", OutcomeKind.FAILED),
    ("INVALID_PARAMETER", OutcomeKind.FAILED),
    ("INVALID_PARAMETER_VALUE", OutcomeKind.FAILED),
    ("FAILED", OutcomeKind.FAILED),
    ("SOMETHING_NEW", OutcomeKind.FAILED),
    ("ACCOUNT_THROTTLED", OutcomeKind.RETRY),
    ("TRANSIENT_FAILURE", OutcomeKind.RETRY),
    ("ACCOUNT_DAILY_QUOTA_EXCEEDED", OutcomeKind.QUOTA),
    ("MAIL_FROM_DOMAIN_NOT_VERIFIED", OutcomeKind.HALT),
    ("CONFIGURATION_SET_NOT_FOUND", OutcomeKind.HALT),
    ("CONFIGURATION_SET_DOES_NOT_EXIST", OutcomeKind.HALT),
    ("CONFIGURATION_SET_SENDING_PAUSED", OutcomeKind.HALT),
    ("INVALID_SENDING_POOL_NAME", OutcomeKind.HALT),
    ("TEMPLATE_NOT_FOUND", OutcomeKind.HALT),
    ("TEMPLATE_DOES_NOT_EXIST", OutcomeKind.HALT),
    ("ACCOUNT_SUSPENDED", OutcomeKind.HALT),
    ("ACCOUNT_SENDING_PAUSED", OutcomeKind.HALT),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
def test_each_status_of_a_recipient(status: str, kind: OutcomeKind) -> None:
    outcome = classify_entry({"Status": status, "MessageId": "m-1", "Error": "in SES's words"}, SENDER)
    assert outcome.kind is kind
    if kind is OutcomeKind.SENT:
        assert outcome.message_id == "m-1"
    else:
        assert (outcome.code, outcome.detail) == (status, "in SES's words")


def test_every_status_of_the_service_model_is_in_the_table() -> None:
    model = botocore.session.get_session().get_service_model("sesv2")
    assert set(model.shape_for("BulkEmailStatus").enum) <= ENTRY_KINDS.keys()


def test_only_documented_statuses_are_known() -> None:
    assert is_known_status("MESSAGE_REJECTED")
    assert not is_known_status("SOMETHING_NEW")


@pytest.mark.parametrize("entry", [{}, {"Status": None}, {"Status": 3}, None, "SUCCESS", []])
def test_an_entry_without_a_status_is_unknown(entry: object) -> None:
    assert classify_entry(entry, SENDER).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("answer", [{}, {"MessageId": ""}, {"MessageId": None}, {"MessageId": 4}])
def test_success_without_a_message_id_is_unknown(answer: dict[str, object]) -> None:
    assert classify_entry({"Status": "SUCCESS", **answer}, SENDER).kind is OutcomeKind.UNKNOWN
    assert accept_message(answer).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    ("results", "kinds"),
    [
        ([{"Status": "FAILED"}], [OutcomeKind.FAILED, OutcomeKind.UNKNOWN]),
        ([{"Status": "FAILED"}] * 3, [OutcomeKind.FAILED, OutcomeKind.FAILED]),
        ([], [OutcomeKind.UNKNOWN, OutcomeKind.UNKNOWN]),
        (None, [OutcomeKind.UNKNOWN, OutcomeKind.UNKNOWN]),
        ("ab", [OutcomeKind.UNKNOWN, OutcomeKind.UNKNOWN]),
    ],
)
def test_there_is_one_outcome_per_email_however_many_results(
    results: object, kinds: list[OutcomeKind]
) -> None:
    assert [outcome.kind for outcome in classify_results(results, 2, SENDER)] == kinds


REFUSALS = [
    ("TooManyRequestsException", "Maximum sending rate exceeded.", 429, OutcomeKind.RETRY),
    ("TooManyRequestsException", "Daily message quota exceeded.", 429, OutcomeKind.QUOTA),
    ("ThrottlingException", "Rate exceeded", 400, OutcomeKind.RETRY),
    ("Throttling", "Daily message quota exceeded", 400, OutcomeKind.QUOTA),
    ("LimitExceededException", "Daily message quota exceeded", 400, OutcomeKind.QUOTA),
    ("LimitExceededException", "too many", 400, OutcomeKind.RETRY),
    ("ServiceUnavailable", "", 503, OutcomeKind.RETRY),
    ("AccountSuspendedException", "", 400, OutcomeKind.HALT),
    ("SendingPausedException", "", 400, OutcomeKind.HALT),
    ("MailFromDomainNotVerifiedException", "", 400, OutcomeKind.HALT),
    ("NotFoundException", "Configuration set <x> does not exist.", 404, OutcomeKind.HALT),
    ("UnrecognizedClientException", "", 403, OutcomeKind.HALT),
    ("InvalidClientTokenId", "", 403, OutcomeKind.HALT),
    ("SignatureDoesNotMatch", "", 403, OutcomeKind.HALT),
    ("InvalidSignatureException", "", 403, OutcomeKind.HALT),
    ("ExpiredTokenException", "", 400, OutcomeKind.HALT),
    ("AccessDeniedException", "", 403, OutcomeKind.HALT),
    ("MissingAuthenticationToken", "", 403, OutcomeKind.HALT),
    ("RequestTimeTooSkewed", "", 400, OutcomeKind.HALT),
    ("MessageRejected", "contains a virus", 400, OutcomeKind.SPLIT),
    ("MessageRejected", "Email address is not verified.", 400, OutcomeKind.HALT),
    ("MessageRejected", f"Email address is not verified. Failed: {SENDER}", 400, OutcomeKind.HALT),
    ("MessageRejected", "Email address is not verified. Failed: ann@x.test", 400, OutcomeKind.SPLIT),
    ("BadRequestException", "Illegal address", 400, OutcomeKind.SPLIT),
    ("413", "", 413, OutcomeKind.SPLIT),
    ("401", "", 401, OutcomeKind.HALT),
    ("403", "", 403, OutcomeKind.HALT),
    ("404", "", 404, OutcomeKind.HALT),
    ("408", "", 408, OutcomeKind.RETRY),
    ("429", "", 429, OutcomeKind.RETRY),
    ("503", "", 503, OutcomeKind.RETRY),
    ("500", "", 500, OutcomeKind.UNKNOWN),
    ("InternalFailure", "", 500, OutcomeKind.UNKNOWN),
    ("502", "", 502, OutcomeKind.UNKNOWN),
    ("504", "", 504, OutcomeKind.UNKNOWN),
    ("301", "", 301, OutcomeKind.UNKNOWN),
    ("", "", 0, OutcomeKind.UNKNOWN),
]


@pytest.mark.parametrize(("code", "message", "status", "kind"), REFUSALS)
def test_each_refusal_of_a_whole_call(code: str, message: str, status: int, kind: OutcomeKind) -> None:
    several = classify_refusal(code, message, status, emails=2, sender=SENDER)
    alone = classify_refusal(code, message, status, emails=1, sender=SENDER)
    assert several == Outcome(kind, code=code, detail=message)
    assert alone.kind is (OutcomeKind.FAILED if kind is OutcomeKind.SPLIT else kind)


def test_every_error_of_the_service_model_is_certain() -> None:
    model = botocore.session.get_session().get_service_model("sesv2")
    for operation in ("SendBulkEmail", "SendEmail"):
        for shape in model.operation_model(operation).error_shapes:
            status = shape.metadata["error"]["httpStatusCode"]
            outcome = classify_refusal(shape.name, "", status, emails=2, sender=SENDER)
            assert outcome.kind is not OutcomeKind.UNKNOWN, shape.name


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (f"Email address is not verified. Failed: {SENDER.upper()}", OutcomeKind.HALT),
        ("Email address is not verified. Failed in EU-WEST-1: ann@x.test", OutcomeKind.FAILED),
    ],
)
def test_an_unverified_sender_halts_and_an_unverified_recipient_fails(error: str, kind: OutcomeKind) -> None:
    assert classify_entry({"Status": "MESSAGE_REJECTED", "Error": error}, SENDER).kind is kind


def test_outcomes_return_to_their_places() -> None:
    sent, failed = Outcome(OutcomeKind.SENT, message_id="m"), Outcome(OutcomeKind.FAILED)
    assert fill_places([sent, sent], {1: failed}, 3) == (sent, failed, sent)
    assert fill_places([sent], {}, 1) == (sent,)
