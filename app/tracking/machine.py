"""Telling machines from people by what a request says of itself (pure).

Kept and marked, never dropped: a machine's open or click counts apart from people's.
"""

import re

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


def judge_request(*, method: str, user_agent: str, opens: bool) -> str | None:
    """Return why the request is a machine's, or None when it may well be a person's.

    `opens` tells a pixel from a link: a bare `Mozilla/5.0` is a prefetching proxy's on a pixel.
    """
    if method == "HEAD":
        return "head"
    agent = user_agent.strip()
    if not agent:
        return "no_agent"
    if opens and (_GMAIL_PROXY.search(agent) or _YAHOO_PROXY.search(agent)):
        return None
    if _APPLE_PREFETCH.fullmatch(agent):
        return "prefetch" if opens else "bare_agent"
    if _BOTS.search(agent):
        return "known_agent"
    return None
