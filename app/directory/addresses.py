"""Email addresses: one verdict for API, import and sending; one hash for suppression and one-copy."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from email_validator.rfc_constants import ATEXT, CASE_INSENSITIVE_MAILBOX_NAMES, EMAIL_MAX_LENGTH

MAX_LENGTH = 320

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"([{ATEXT}]+(?:\.[{ATEXT}]+)*)@((?:{_LABEL}\.)+(?:{_LABEL}(?<=[A-Za-z])))")
_RESERVED = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES if name != "test")


@dataclass(frozen=True, slots=True)
class Address:
    """A valid address as typed, and what sending and comparing need of it.

    `wire` has its domain in punycode, `None` when SES cannot send to it (a local part beyond ASCII).
    """

    typed: str
    wire: str | None


@lru_cache(maxsize=8192)  # who validates a chunk of users asks twice: at the door, and when they land
def read_address(typed: str) -> Address:
    """Check an address by email-validator's syntax rules; ValueError says what is wrong, without it."""
    wire = _read_plain(typed)
    if wire is not None:
        return Address(typed=typed, wire=wire)
    try:
        parsed = validate_email(typed, check_deliverability=False, allow_smtputf8=True, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is not a valid email address: {error}") from None
    return Address(typed=typed.strip(), wire=parsed.ascii_email)


def _read_plain(typed: str) -> str | None:
    """Return what email-validator would make of a plain ASCII address, thirty times as fast, else None.

    None only means that it must be asked: the address may be valid all the same.
    """
    match = _PLAIN.fullmatch(typed)
    if match is None or len(typed) > EMAIL_MAX_LENGTH:
        return None
    local, domain = match[1], match[2].lower()
    if "--" in domain or f".{domain}".endswith(_RESERVED):
        return None
    if local.lower() in CASE_INSENSITIVE_MAILBOX_NAMES:
        local = local.lower()
    return f"{local}@{domain}"


def hash_address(secret: bytes, address: str) -> bytes:
    """Return the keyed hash (BLAKE2b, RFC 7693, 16 bytes) under which a school knows an address.

    Case does not matter, nor whether a domain is written in Unicode or punycode: it is the same mailbox.
    """
    local, _, domain = address.strip().rpartition("@")
    if not domain.isascii():
        with suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode()
    return blake2b(f"{local.lower()}@{domain.lower()}".encode(), key=secret, digest_size=16).digest()
