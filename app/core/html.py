"""The few pages people see: server-rendered, no script, strict headers."""

import secrets
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from app.core.colours import choose_ink

DEFAULT_COLOUR = "#1d4ed8"
PAGE_HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Strict-Transport-Security": "max-age=31536000",
}


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
