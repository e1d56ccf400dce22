"""Networks of mail gateways (`networks.txt` beside this file, with its sources), read once."""

from bisect import bisect_right
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import pairwise

Ranges = tuple[list[tuple[int, int]], list[tuple[int, str]]]
"""First address of each network, and its last address with its name; with the IP version in front."""


@lru_cache(maxsize=4096)  # an address that comes once tends to come again: a gateway's, or a school's own
def name_network(address: str) -> str | None:
    """Return whose network an IP address belongs to; None for all others, and for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    firsts, lasts = _load()
    place = bisect_right(firsts, (parsed.version, int(parsed))) - 1
    if place < 0 or firsts[place][0] != parsed.version:
        return None
    last, name = lasts[place]
    return name if int(parsed) <= last else None


@cache
def _load() -> Ranges:
    return read_networks(files("app.tracking").joinpath("networks.txt").read_text("utf-8").splitlines())


def read_networks(lines: Iterable[str]) -> Ranges:
    """Read `NETWORK NAME` lines, `#` for comments; raise ValueError for any other line, or an overlap."""
    networks = []
    for line in lines:
        words = line.partition("#")[0].split()
        if words:
            cidr, name = words
            network = ip_network(cidr)
            first, last = int(network.network_address), int(network.broadcast_address)
            networks.append((network.version, first, last, name))
    networks.sort()
    for (version, _, last, name), (after, first, _, other) in pairwise(networks):
        if version == after and first <= last:
            raise ValueError(f"networks of {name} and {other} overlap")
    return (
        [(version, first) for version, first, _, _ in networks],
        [(last, name) for _, _, last, name in networks],
    )
