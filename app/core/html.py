"""The few pages people see: server-rendered, no script, strict headers."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi.requests import Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from app.core.colours import choose_ink
from app.core.db import is_disconnect

PATIENCE_SECONDS = 5.0
"""How long somebody waits for a page at most; what they asked for can be asked for again."""
log = structlog.get_logger(__name__)
DEFAULT_COLOUR = "#1d4ed8"
PAGE_HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Strict-Transport-Security": "max-age=31536000",
}


class PageRoute(APIRoute):
    """A route of pages: when a service is away or too slow, people read so in plain words, with a 503."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Answer as the function does, unless it fails for want of a service, or takes too long."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await answer(request)
            except Exception as error:
                if not is_disconnect(error):
                    raise
                log.warning("a page cannot be shown", error=type(error).__name__)
                return Pages().unavailable()

        return handle


class Pages:
    """Renders a feature's templates on top of the shared ones (`base.html`, `not_found.html`)."""

    def __init__(self, package: str = "app.core") -> None:
        packages = dict.fromkeys([package, "app.core"])
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(each) for each in packages]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(
        self,
        template: str,
        *,
        status: int = 200,
        colour: str | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """Answer a page; its one style element is allowed by a nonce, everything else is not.

        `colour` is the school's, `#RRGGBB`: text on it is black or white, whichever is readable.
        """
        nonce = secrets.token_urlsafe(16)
        accent = colour or DEFAULT_COLOUR
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        html = self._environment.get_template(template).render(
            nonce=nonce, accent=accent, on_accent=choose_ink(accent), **values
        )
        return HTMLResponse(
            html, status_code=status, headers={**PAGE_HEADERS, "Content-Security-Policy": policy}
        )

    def not_found(self) -> HTMLResponse:
        """Answer the page for a link that leads nowhere."""
        return self.render("not_found.html", status=404, school="")

    def unavailable(self) -> HTMLResponse:
        """Answer the page for what cannot be done now: nothing was changed, and it may be tried again."""
        page = self.render("unavailable.html", status=503, school="")
        page.headers["Retry-After"] = "60"
        return page
