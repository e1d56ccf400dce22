"""Requests held against SES: botocore's own service model, then the limits its model leaves out."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from app.simulator.address import find_address_fault
from app.simulator.errors import Refused, bad_request

# https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html ("inline templates": the input
# JSON up to 1 MB; at most 50 destinations a call) and .../dg/quotas.html (50 recipients a message).
MAX_BULK_BYTES = 1024 * 1024
MAX_ENTRIES = 50
MAX_RECIPIENTS = 50
# .../dg/quotas.html: 40 MB a message through the v2 API.
MAX_MESSAGE_BYTES = 40 * 1024 * 1024

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


@cache
def load_service_model() -> ServiceModel:
    """Return the SES v2 service model shipped with botocore."""
    return ServiceModel(Loader().load_service_model("sesv2", "service-2"), "sesv2")


def check_request(operation: str, params: Mapping[str, Any]) -> None:
    """Raise Refused (400 BadRequestException) when the request breaks the model or a documented limit."""
    shape = load_service_model().operation_model(operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        raise Refused(bad_request(report.generate_report()))
    for fault in (*find_constraint_faults(shape, params, ""), *_LIMITS.get(operation, _find_nothing)(params)):
        raise Refused(bad_request(fault))


def find_constraint_faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield what breaks a `max` or `pattern` of the model, which ParamValidator does not look at."""
    maximum = shape.metadata.get("max")
    if maximum is not None and isinstance(value, str | list) and len(value) > maximum:
        yield f"Value at '{path}' failed to satisfy constraint: Member must have length <= {maximum}"
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from find_constraint_faults(shape.members[name], member, f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for index, member in enumerate(value):
            yield from find_constraint_faults(shape.member, member, f"{path}[{index}]")
    elif (pattern := shape.metadata.get("pattern")) and not re.fullmatch(pattern, value):
        yield (
            f"Value at '{path}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern}"
        )


def _find_bulk_faults(params: Mapping[str, Any]) -> Iterator[str]:
    template = params["DefaultContent"].get("Template")
    entries = params["BulkEmailEntries"]
    if not params.get("FromEmailAddress"):
        yield "FromEmailAddress is required."
    if template is None:
        yield "DefaultContent.Template is required."
    else:
        yield from _find_template_faults(template)
    if not 1 <= len(entries) <= MAX_ENTRIES:
        yield f"The number of entries must be between 1 and {MAX_ENTRIES}."
    if sum(len(list_recipients(entry["Destination"])) for entry in entries) > MAX_RECIPIENTS:
        yield f"Recipient count exceeds {MAX_RECIPIENTS}."
    yield from _find_sender_faults(params)
    yield from _find_tag_faults(params.get("DefaultEmailTags", []))
    for entry in entries:
        yield from _find_tag_faults(entry.get("ReplacementTags", []))


def _find_single_faults(params: Mapping[str, Any]) -> Iterator[str]:
    content = params["Content"]
    if not params.get("FromEmailAddress"):
        yield "FromEmailAddress is required."
    if len(content) != 1 or "Raw" in content:
        yield "Content must be exactly one of Simple and Template."
    if "Template" in content:
        yield from _find_template_faults(content["Template"])
    if "Simple" in content and not content["Simple"]["Body"]:
        yield "Body must have Text or Html."
    recipients = list_recipients(params.get("Destination", {}))
    if not 1 <= len(recipients) <= MAX_RECIPIENTS:
        yield f"The number of recipients must be between 1 and {MAX_RECIPIENTS}."
    yield from filter(None, map(find_address_fault, recipients))
    yield from _find_sender_faults(params)
    yield from _find_tag_faults(params.get("EmailTags", []))


def _find_template_faults(template: Mapping[str, Any]) -> Iterator[str]:
    # The stand-in has no stored templates: the product sends inline ones alone.
    content = template.get("TemplateContent")
    if content is None:
        yield f"Template {template.get('TemplateName', '')} does not exist."
    elif not content.get("Subject") or not (content.get("Html") or content.get("Text")):
        yield "TemplateContent must have a Subject and an Html or Text part."


def _find_sender_faults(params: Mapping[str, Any]) -> Iterator[str]:
    senders = [params.get("FromEmailAddress", ""), *params.get("ReplyToAddresses", [])]
    yield from filter(None, (find_address_fault(sender) for sender in senders if sender))


def _find_tag_faults(tags: list[Mapping[str, str]]) -> Iterator[str]:
    for tag in tags:
        for part in (tag["Name"], tag["Value"]):
            if not _TAG.fullmatch(part):
                yield (
                    f"Invalid tag <{part}>: only alphanumeric ASCII characters, '_' and '-' are allowed, "
                    "256 at most."
                )


def _find_nothing(_params: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


def list_recipients(destination: Mapping[str, list[str]]) -> list[str]:
    """Return every address of a destination: To, Cc and Bcc."""
    return [
        *destination.get("ToAddresses", ()),
        *destination.get("CcAddresses", ()),
        *destination.get("BccAddresses", ()),
    ]


_LIMITS: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "SendBulkEmail": _find_bulk_faults,
    "SendEmail": _find_single_faults,
}
