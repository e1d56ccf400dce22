"""Email addresses on their way to SES and back: ASCII on the wire, bare in our records."""

import re
from email.header import Header
from functools import lru_cache

import idna

# RFC 5322 dot-atom characters; quoted local parts are left out: SES reads an address as a header value,
# where a quote, comma or angle bracket could turn one recipient into two.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_MAX_ENCODED_WORD = 75  # RFC 2047 §2
_ANGLE_ADDRESS = re.compile(r"<([^<>]*)>\s*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class UnsendableAddress(ValueError):
    """SES would not take this address: no ASCII local part, or no domain that IDNA can encode."""


@lru_cache(maxsize=4096)
def _encode_domain(domain: str) -> str:
    if domain.isascii():
        encoded = domain
    else:
        try:
            encoded = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise UnsendableAddress("the domain cannot be encoded") from error
    if not _is_domain(encoded):
        raise UnsendableAddress("the domain is not a host name")
    return encoded


def _is_domain(domain: str) -> bool:
    labels = domain.split(".")
    return len(domain) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def encode_address(address: str) -> str:
    """Return the address in ASCII, its domain as punycode (RFC 5891).

    SES takes no SMTPUTF8: a local part outside ASCII raises UnsendableAddress.
    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html
    """
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local):
        raise UnsendableAddress("the local part is not plain ASCII")
    return f"{local}@{_encode_domain(domain)}"


@lru_cache(maxsize=256)
def format_mailbox(name: str, address: str) -> str:
    """Return `"Name" <address>` for a From header: RFC 5322 quoting, RFC 2047 outside ASCII.

    Control characters and line breaks in the name become spaces, so that no header can be injected.
    Raise UnsendableAddress as `encode_address` does.
    """
    encoded = encode_address(address)
    display = _CONTROL.sub(" ", name).strip()
    if not display:
        return encoded
    # In quotes an encoded word is plain text (RFC 2047 §5), but many mail programs decode it there too.
    if display.isascii() and "=?" not in display:
        escaped = display.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{encoded}>'
    header = Header(display.encode("utf-8", "replace").decode(), "utf-8")
    words = header.encode(linesep="", maxlinelen=_MAX_ENCODED_WORD)
    return f"{words} <{encoded}>"


def read_address(text: str) -> str:
    """Return the bare address of `a@b`, `<a@b>` or `"Name" <a@b>`, as the provider wrote it."""
    angle = _ANGLE_ADDRESS.search(text) if text.rstrip().endswith(">") else None
    return (angle.group(1) if angle else text).strip()
