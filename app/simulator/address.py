"""Email addresses as SES takes them: ASCII local part, punycode domain, display name beside."""

import re

# RFC 5322 dot-atom, RFC 1035 labels. SES has no SMTPUTF8 (RFC 6531), so neither side may leave ASCII:
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html
_ADDRESS = re.compile(
    r"(?=.{1,320}\Z)(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})"
    r"@(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63})"
)
_NAMED = re.compile(r"(?P<name>[^<>\r\n]*)<(?P<address>[^<>]+)>\s*")


def find_bare_address(text: str) -> str:
    """Return `a@b` from `a@b` or `Name <a@b>`."""
    match = _NAMED.fullmatch(text)
    return match["address"] if match else text.strip()


def find_domain(address: str) -> str:
    """Return the domain of an address, lower case."""
    return find_bare_address(address).rpartition("@")[2].lower()


def find_address_fault(text: str) -> str | None:
    """Return what is wrong with an address, in the manner of SES, or None.

    A display name that is not ASCII must come as an encoded word (RFC 2047).
    """
    bare = find_bare_address(text)
    local, at, domain = bare.rpartition("@")
    if not at:
        return f"Missing final '@domain' in <{bare}>"
    if not local.isascii():
        return "Local address contains non-ASCII characters"
    if not domain.isascii():
        return "Domain contains non-ASCII characters"
    if not text.isascii():
        return "Display name contains non-ASCII characters"
    if any(character.isspace() or not character.isprintable() for character in bare):
        return "Local address contains control or whitespace"
    return None if _ADDRESS.fullmatch(bare) else f"Illegal address <{bare}>"
