"""Email addresses: one verdict for API, import and sending; one hash for suppression and one-copy."""

import hmac
from contextlib import suppress
from dataclasses import dataclass

import idna
from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 320


@dataclass(frozen=True, slots=True)
class Address:
    """A valid address as typed, and what sending and comparing need of it.

    `wire` has its domain in punycode, `None` when SES cannot send to it (a local part beyond ASCII).
    """

    typed: str
    wire: str | None


def read_address(typed: str) -> Address:
    """Check an address by email-validator's syntax rules; ValueError says what is wrong, without it."""
    try:
        parsed = validate_email(typed, check_deliverability=False, allow_smtputf8=True, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is not a valid email address: {error}") from None
    return Address(typed=typed.strip(), wire=parsed.ascii_email)


def hash_address(secret: bytes, address: str) -> bytes:
    """Return the keyed hash (HMAC-SHA256, 16 bytes) under which a school knows an address.

    Case does not matter, nor whether a domain is written in Unicode or punycode: it is the same mailbox.
    """
    local, _, domain = address.strip().rpartition("@")
    if not domain.isascii():
        with suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode()
    return hmac.digest(secret, f"{local.lower()}@{domain.lower()}".encode(), "sha256")[:16]
