"""Networks of mail gateways: whose address is whose, and the address is the visitor's, not the proxy's."""

import pytest

from app.tracking.machine import judge_request
from app.tracking.networks import name_network, read_networks
from tests.tracking.mailing import FIREFOX
from tests.tracking.test_machine import GMAIL


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("64.235.144.0", "barracuda"),
        ("64.235.159.255", "barracuda"),
        ("64.235.160.0", None),
        ("64.235.143.255", None),
        ("::ffff:148.163.130.7", "proofpoint"),
        ("2a00:1450::1", None),
        ("0.0.0.1", None),
        ("255.255.255.255", None),
        ("testclient", None),
        ("", None),
    ],
)
def test_an_address_is_told_by_its_network(address: str, name: str | None) -> None:
    assert name_network(address) == name


@pytest.mark.parametrize("line", ["10.0.0.1/8 host-bits", "10.0.0.0/8", "10.0.0.0/8 a b", "ten a"])
def test_a_line_that_cannot_be_read_stops_the_start(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_networks([line])
    with pytest.raises(ValueError, match="overlap"):
        read_networks(["10.0.0.0/8 a", "# a comment", "10.1.0.0/16 b"])
    assert read_networks(["::/8 a", "0.0.0.0/8 b  # two families"])[0] == [(4, 0), (6, 0)]


def test_who_comes_from_a_gateway_is_a_machine_but_for_a_proxy_of_a_person() -> None:
    gateway, home = "209.222.82.1", "198.51.100.7"
    for opens in (True, False):
        assert judge_request(method="GET", user_agent=FIREFOX, opens=opens, address=gateway) == "network"
        assert judge_request(method="GET", user_agent=FIREFOX, opens=opens, address=home) is None
        assert judge_request(method="HEAD", user_agent=FIREFOX, opens=opens, address=gateway) == "head"
    assert judge_request(method="GET", user_agent=GMAIL, opens=True, address=gateway) is None
