"""A DMARC record is found as receivers find it: at the domain, else at the nearest parent that has one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from dns.asyncresolver import Resolver as DnsResolver

from app.mail.setup.doctor.dmarc import SystemResolver, find_dmarc

RECORDS = {
    "_dmarc.school.example.": ['"v=DMARC1; " "p=reject"'],
    "_dmarc.other.example.": ['"v=spf1 -all"'],
}


class Nameserver(asyncio.DatagramProtocol):
    """A server of TXT records, on UDP."""

    def __init__(self, records: Mapping[str, list[str]]) -> None:
        self._records = records

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if texts := self._records.get(name.to_text()):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *texts))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), addr)


@pytest.fixture
async def resolver() -> AsyncIterator[SystemResolver]:
    """A resolver that asks this server and no other."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Nameserver(RECORDS), local_addr=("127.0.0.1", 0)
    )
    asking = DnsResolver(configure=False)
    asking.nameservers = ["127.0.0.1"]
    asking.port = transport.get_extra_info("sockname")[1]
    yield SystemResolver(asking)
    transport.close()


@pytest.mark.parametrize(
    ("domain", "record"),
    [
        ("school.example", "v=DMARC1; p=reject"),
        ("news.mail.school.example", "v=DMARC1; p=reject"),
        ("other.example", ""),
        ("nothing.example", ""),
    ],
)
async def test_record(resolver: SystemResolver, domain: str, record: str) -> None:
    assert await find_dmarc(resolver, domain) == record


async def test_nobody_answers(resolver: SystemResolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.mail.setup.doctor.dmarc.SECONDS", 0.1)
    silent = DnsResolver(configure=False)
    silent.nameservers = ["127.0.0.1"]
    silent.port = 1
    assert await find_dmarc(SystemResolver(silent), "school.example") is None
