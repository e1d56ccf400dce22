"""From request parameters to the records the mailbox keeps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.simulator.mailbox import Envelope, Mail, Pairs
from app.simulator.template import Template, parse_template

Params = Mapping[str, Any]


def make_template_envelope(params: Params, template: Params) -> Envelope:
    """Return the envelope of inline template content."""
    content = template["TemplateContent"]
    return _make_envelope(
        params,
        subject=parse_template(content["Subject"]),
        html=_parse_optional(content.get("Html")),
        text=_parse_optional(content.get("Text")),
        default_data=template.get("TemplateData", ""),
    )


def make_simple_envelope(params: Params, message: Params) -> Envelope:
    """Return the envelope of Simple content, in which nothing is substituted."""
    body = message["Body"]
    return _make_envelope(
        params,
        subject=Template((message["Subject"]["Data"],)),
        html=Template((body["Html"]["Data"],)) if "Html" in body else None,
        text=Template((body["Text"]["Data"],)) if "Text" in body else None,
        default_data="",
    )


def _make_envelope(
    params: Params, *, subject: Template, html: Template | None, text: Template | None, default_data: str
) -> Envelope:
    return Envelope(
        sender=params["FromEmailAddress"],
        reply_to=tuple(params.get("ReplyToAddresses", ())),
        subject=subject,
        html=html,
        text=text,
        default_data=default_data,
        configuration_set=params.get("ConfigurationSetName"),
        tenant=params.get("TenantName"),
    )


def _parse_optional(source: str | None) -> Template | None:
    return parse_template(source) if source else None


def address_mails(
    message_id: str,
    recipients: Sequence[str],
    envelope: Envelope,
    *,
    data: str,
    headers: Pairs,
    tags: Pairs,
    now: float,
) -> Iterator[Mail]:
    """Yield one email for each recipient of a message; they share its id."""
    destination = tuple(recipients)
    for address in destination:
        yield Mail(message_id, address, destination, envelope, data, headers, tags, now)


def read_pairs(items: Sequence[Params]) -> Pairs:
    """Return the names and values of MessageTag or MessageHeader members."""
    return tuple((item["Name"], item["Value"]) for item in items)


def override_pairs(defaults: Pairs, own: Pairs) -> Pairs:
    """Return an entry's own values over the call's, names compared as mail headers are (RFC 5322)."""
    if not defaults:
        return own
    names = {name.lower() for name, _ in own}
    return (*(pair for pair in defaults if pair[0].lower() not in names), *own)
