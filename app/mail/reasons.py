"""Codes of events and outcomes in plain words, for the person who reads a report."""

import re
from collections.abc import Mapping

from app.mail.types import MailEventKind

HARD, SOFT = "hard bounce", "soft bounce"

# The words, and what kind of bounce the code usually is ("" where it is none).
_REASONS: Mapping[str, tuple[str, str]] = {
    "general": ("Refused without a stated reason", ""),
    "undetermined": ("Bounced for an unknown reason", SOFT),
    "no_such_user": ("No such mailbox", HARD),
    "no_such_domain": ("The domain takes no email", HARD),
    "mailbox_disabled": ("Mailbox disabled", HARD),
    "mailbox_full": ("Mailbox full", SOFT),
    "message_too_large": ("Message too large for the mailbox", SOFT),
    "content_rejected": ("Content rejected by the recipient's server", SOFT),
    "attachment_rejected": ("Attachment rejected by the recipient's server", SOFT),
    "policy_rejected": ("Rejected by the recipient server's policy", HARD),
    "custom_timeout_exceeded": ("Not delivered in time", SOFT),
    "suppressed": ("Address has bounced before (Amazon SES global list)", HARD),
    "on_account_suppression_list": ("Address is on the account's suppression list", HARD),
    "on_tenant_suppression_list": ("Address is on the tenant's suppression list", HARD),
    "email_validation_suppressed": ("Address failed Amazon SES's validation", HARD),
    "unsubscribed_recipient": ("Unsubscribed from the Amazon SES contact list", HARD),
    "abuse": ("Marked as spam", ""),
    "auth_failure": ("Reported for failed authentication", ""),
    "fraud": ("Reported as fraud", ""),
    "not_spam": ("Reported as not spam", ""),
    "other": ("Reported by the recipient's mailbox provider", ""),
    "virus": ("Reported as containing a virus", ""),
    "complaint": ("Marked as spam", ""),
    "bad_content": ("Rejected by Amazon SES: it found a virus", ""),
    "rendering_failure": ("The message could not be filled in for this recipient", ""),
    "ip_failure": ("Delayed: the sending IP address is blocked or slowed", ""),
    "internal_failure": ("Delayed inside Amazon SES", ""),
    "recipient_server_error": ("Delayed by an error of the recipient's server", ""),
    "sending_deferral": ("Deferred by Amazon SES", ""),
    "spam_detected": ("Delayed: the recipient's server received much unsolicited mail", ""),
    "transient_communication_failure": ("Delayed: the connection to the recipient's server broke", ""),
    "MESSAGE_REJECTED": ("Rejected by Amazon SES", ""),
    "MessageRejected": ("Rejected by Amazon SES", ""),
    "INVALID_PARAMETER": ("Refused by Amazon SES as invalid", ""),
    "INVALID_PARAMETER_VALUE": ("Refused by Amazon SES as invalid", ""),
    "BadRequestException": ("Refused by Amazon SES as invalid", ""),
    "FAILED": ("Amazon SES could not process it", ""),
    "unsendable_address": ("The address cannot receive email through Amazon SES", ""),
    "unsendable_text": ("The recipient's data holds text that is not valid Unicode", ""),
    "request_too_large": ("The message is too large", ""),
}
_BOUNCES: Mapping[MailEventKind, str] = {
    MailEventKind.BOUNCE: HARD,
    MailEventKind.SOFT_BOUNCE: SOFT,
}
_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")


def to_code(provider_word: str) -> str:
    """Return a provider's word as one of ours: `MailboxFull` -> `mailbox_full`, at most 64 characters."""
    return _WORD_BOUNDARY.sub("_", provider_word).strip("_").lower()[:64]


def describe(code: str, kind: MailEventKind | None = None) -> str:
    """Return plain words for a code: `mailbox_full` -> "Mailbox full (soft bounce)".

    The kind of the event, where given, decides which bounce it is called. A code without a sentence is
    spelled out; an empty code has no words.
    """
    words, usual = _REASONS.get(code) or (to_code(code).replace("_", " ").capitalize(), "")
    bounce = usual if kind is None else _BOUNCES.get(kind, "")
    return f"{words} ({bounce})" if words and bounce else words
