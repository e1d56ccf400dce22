"""A domain's DMARC record, as a receiver finds it (RFC 7489 §6.6.3)."""

from typing import Protocol

from dns.asyncresolver import Resolver as DnsResolver
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer

SECONDS = 3.0


class Resolver(Protocol):
    """Answers with the TXT records of a name; none where it has none, None where nobody answers."""

    async def find_texts(self, name: str) -> list[str] | None:
        """Return the records."""


class SystemResolver:
    """The resolver this machine uses."""

    def __init__(self, dns: DnsResolver | None = None) -> None:
        """Read the machine's settings when they are first needed."""
        self._dns = dns

    async def find_texts(self, name: str) -> list[str] | None:
        """Return the TXT records of a name."""
        try:
            if self._dns is None:
                self._dns = DnsResolver()
            answer = await self._dns.resolve(name, "TXT", lifetime=SECONDS)
        except (NXDOMAIN, NoAnswer):
            return []
        except (DNSException, OSError):
            return None
        return [b"".join(record.strings).decode(errors="replace") for record in answer]


async def find_dmarc(resolver: Resolver, domain: str) -> str | None:
    """Return the policy record of the domain or the nearest parent that has one, "" where none has.

    None where no resolver answers.
    """
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        texts = await resolver.find_texts("_dmarc." + ".".join(labels[start:]))
        if texts is None:
            return None
        for text in texts:
            if text.startswith("v=DMARC1"):
                return text
    return ""
