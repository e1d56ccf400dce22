"""Telling machines from people by what a request says of itself (pure).

Kept and marked, never dropped: a machine's open or click counts apart from people's. What several visits of
one person together tell is judged in `recipients.machine`.
"""

import re
from functools import lru_cache
from typing import Final

from app.tracking.networks import name_network

# A CUBOT is a telephone.
_BOTS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|scan|preview|monitor|fetch|curl/|wget/|python|go-http|java/|okhttp|libwww|headless"
    r"|proofpoint|barracuda|mimecast|forcepoint|trend ?micro|symantec|messagelabs|cisco|ironport|fireeye"
    r"|safelinks|bingpreview|skypeuripreview|google-?(?:safety|read-aloud)|facebookexternalhit|whatsapp|slack",
    re.IGNORECASE,
)
# Gmail loads images when a person opens the mail, through its proxy: that is the person's open.
_GMAIL_PROXY = re.compile(r"GoogleImageProxy|ggpht\.com", re.IGNORECASE)
# Apple Mail Privacy Protection fetches every image of every mail, opened or not, under this bare name.
_APPLE_PREFETCH = re.compile(r"Mozilla/5\.0")
# Yahoo's proxy loads images on display, as Gmail's does.
_YAHOO_PROXY = re.compile(r"YahooMailProxy", re.IGNORECASE)

HEAD: Final = "head"
NETWORK: Final = "network"
AGENT_SIGNS: Final = frozenset({"no_agent", "prefetch", "bare_agent", "known_agent"})
"""Reasons that the agent alone gives: they can be found again from the history, HEAD and NETWORK cannot."""


def judge_request(*, method: str, user_agent: str, opens: bool, address: str = "") -> str | None:
    """Return why the request is a machine's, or None when it may well be a person's.

    `opens` tells a pixel from a link, `address` is the client's IP address.
    """
    if method == "HEAD":
        return HEAD
    if opens and _is_proxy_of_a_person(user_agent):
        return None
    if address and name_network(address):
        return NETWORK
    return judge_agent(user_agent, opens=opens)


@lru_cache(maxsize=4096)  # a handful of programs send nearly all of it
def judge_agent(user_agent: str, *, opens: bool) -> str | None:
    """Return why a program that calls itself so is a machine, or None.

    A bare `Mozilla/5.0` is a prefetching proxy's on a pixel.
    """
    agent = user_agent.strip()
    if not agent:
        return "no_agent"
    if opens and _is_proxy_of_a_person(agent):
        return None
    if _APPLE_PREFETCH.fullmatch(agent):
        return "prefetch" if opens else "bare_agent"
    return "known_agent" if _BOTS.search(agent) else None


def _is_proxy_of_a_person(agent: str) -> bool:
    return bool(_GMAIL_PROXY.search(agent) or _YAHOO_PROXY.search(agent))
