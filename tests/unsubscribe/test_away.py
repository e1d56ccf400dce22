"""PostgreSQL away: nobody is told that they were unsubscribed when they were not."""

import httpx
from asgi_lifespan import LifespanManager

from app.core.config import Settings
from app.core.ids import new_id
from app.core.signing import Purpose, RecipientRef, Signer
from app.main import create_app

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


REQUESTS = [
    ("GET", "", b""),
    ("POST", "", b"List-Unsubscribe=One-Click"),
    ("POST", "", b"action=unsubscribe"),
    ("GET", "/preferences", b""),
    ("POST", "/preferences", b"action=save"),
]


async def test_the_page_says_so_in_plain_words(settings: Settings) -> None:
    away = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
    app = create_app(settings.model_copy(update={"database_url": away}))
    token = Signer(settings.secret_keys).sign(Purpose.UNSUBSCRIBE, RecipientRef(new_id(), new_id(), 1))
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://campaigns.test") as public:
            for method, path, body in REQUESTS:
                check_page(await public.request(method, f"/u/{token}{path}", content=body, headers=FORM))


def check_page(answer: httpx.Response) -> None:
    """Assert that this is the page for what cannot be done now."""
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "Retry-After" in answer.headers
    assert "nothing has been changed" in answer.text
    assert "unsubscribed" not in answer.text
