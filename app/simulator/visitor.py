"""The people and machines that receive the mail: real HTTP requests to the product's public URL alone."""

import html
import re
from dataclasses import dataclass

from app.simulator.fate import draw
from app.simulator.ledger import Fact, Ledger
from app.simulator.mailbox import Mail, render_html
from app.simulator.outbound import Outbound
from app.simulator.settings import LiveSettings

_ATTRIBUTE = r"<{tag}\b[^>]*?\s{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)')"
_IMAGE = re.compile(_ATTRIBUTE.format(tag="img", name="src"), re.IGNORECASE)
_LINK = re.compile(_ATTRIBUTE.format(tag="a", name="href"), re.IGNORECASE)
_BRACKETED = re.compile(r"<([^<>]+)>")

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_PEOPLE = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) {_WEBKIT} Mobile/15E148",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17628; Pro)",
)
_PREFETCHER = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says of itself."""
_SCANNER = "Mozilla/5.0 (compatible; LinkScanner/1.0; +https://scanner.example/bot)"


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_ONE_CLICK = b"List-Unsubscribe=One-Click"


@dataclass(frozen=True, slots=True)
class Places:
    """Where one email leads, all under the product's public URL."""

    pixel: str | None
    links: tuple[str, ...]
    unsubscribe_url: str | None


def find_places(mail: Mail, public_url: str) -> Places:
    """Return the pixel, the links and the one-click address of an email; raises RenderingFailed."""
    body = render_html(mail)
    images = _list_urls(_IMAGE, body, public_url)
    bracketed = _BRACKETED.findall(mail.find_header("List-Unsubscribe") or "")
    return Places(
        pixel=images[-1] if images else None,
        links=tuple(dict.fromkeys(_list_urls(_LINK, body, public_url))),
        unsubscribe_url=next((url for url in bracketed if _is_under(url, public_url)), None),
    )


def _list_urls(pattern: re.Pattern[str], body: str, public_url: str) -> list[str]:
    urls = (html.unescape(double or single) for double, single in pattern.findall(body))
    return [url for url in urls if _is_under(url, public_url)]


def _is_under(url: str, public_url: str) -> bool:
    return url.startswith(public_url.rstrip("/") + "/")


class Visitor:
    """Opens, clicks and unsubscribes, and writes in the ledger what was answered."""

    def __init__(self, live: LiveSettings, ledger: Ledger, outbound: Outbound) -> None:
        """Ask through `outbound`."""
        self._live = live
        self._ledger = ledger
        self._outbound = outbound

    async def open(self, mail: Mail) -> None:
        """Load the pixel as the person's mail client does."""
        pixel = self._find_places(mail).pixel
        if pixel and 200 <= await self._ask("GET", pixel, self._choose_agent(mail)) < 300:
            self._ledger.mark(mail, Fact.OPENED)
            self._ledger.count(mail, "opens")
        elif pixel:
            self._ledger.count(mail, "unanswered")

    async def click(self, mail: Mail) -> None:
        """Follow one link, chosen by the address; a page that does not redirect is left for the next."""
        places = self._find_places(mail)
        links = [link for link in places.links if link != places.unsubscribe_url]
        first = int(draw(self._live.current.behaviour.seed, mail.address, "link") * len(links))
        for link in links[first:] + links[:first]:
            status = await self._ask("GET", link, self._choose_agent(mail))
            if 300 <= status < 400:
                self._ledger.mark(mail, Fact.CLICKED)
                self._ledger.count(mail, "clicks")
                return
        if links:
            self._ledger.count(mail, "unanswered")

    async def unsubscribe(self, mail: Mail) -> None:
        """POST to the List-Unsubscribe URL as a mail client does (RFC 8058)."""
        url = self._find_places(mail).unsubscribe_url
        if url and 200 <= await self._outbound.ask("POST", url, _FORM, _ONE_CLICK) < 300:
            self._ledger.mark(mail, Fact.UNSUBSCRIBED)
        elif url:
            self._ledger.count(mail, "unanswered")

    async def prefetch(self, mail: Mail) -> None:
        """Load the pixel as an image proxy does: at delivery, whether anybody reads or not."""
        pixel = self._find_places(mail).pixel
        if pixel:
            self._ledger.count(mail, "machine_requests")
            if 200 <= await self._ask("GET", pixel, _PREFETCHER) < 300:
                self._ledger.mark(mail, Fact.MACHINE_OPENED)

    async def scan(self, mail: Mail) -> None:
        """Ask for every link there is, the unsubscribe page too, with HEAD or GET by the address."""
        behaviour = self._live.current.behaviour
        method = "HEAD" if draw(behaviour.seed, mail.address, "scanner") < 0.5 else "GET"
        for link in self._find_places(mail).links:
            self._ledger.count(mail, "machine_requests")
            if 300 <= await self._ask(method, link, _SCANNER) < 400:
                self._ledger.mark(mail, Fact.MACHINE_CLICKED)

    def _find_places(self, mail: Mail) -> Places:
        return find_places(mail, self._live.current.public_url)

    def _choose_agent(self, mail: Mail) -> str:
        seed = self._live.current.behaviour.seed
        return _PEOPLE[int(draw(seed, mail.address, "agent") * len(_PEOPLE))]

    async def _ask(self, method: str, url: str, agent: str) -> int:
        return await self._outbound.ask(method, url, {"User-Agent": agent})
