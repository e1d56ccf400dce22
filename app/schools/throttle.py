"""How often a credential may be used, by the class of the route, and how often one may be refused."""

from enum import StrEnum

from app.core.config import Settings
from app.core.errors import TooManyRequests
from app.core.limits import Limiter, Verdict, name_client


class RouteClass(StrEnum):
    """What a request does: it reads, it changes something, or mail goes out."""

    READ = "read"
    WRITE = "write"
    SEND = "send"


SENDING = frozenset(
    {
        "/v1/messages",
        "/v1/messages/test",
        "/v1/campaigns/{campaign_id}/resume",
        "/v1/campaigns/{campaign_id}/retry-failed",
        "/v1/campaigns/{campaign_id}/send-now",
    }
)
READING_BY_POST = frozenset({"/v1/audiences/preview", "/v1/messages/preview"})
READING = frozenset({"GET", "HEAD"})


def classify(method: str, path: str) -> RouteClass:
    """Return the class of a route, by its method and its template."""
    if method in READING or path in READING_BY_POST:
        return RouteClass.READ
    return RouteClass.SEND if path in SENDING else RouteClass.WRITE


class Throttle:
    """The limits of the API, as the deployment sets them."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = Limiter(settings.redis_url, secret=settings.secret_keys[0])
        self._failures = settings.rate_limit_failures
        self._most = {
            RouteClass.READ: settings.rate_limit_read,
            RouteClass.WRITE: settings.rate_limit_write,
            RouteClass.SEND: settings.rate_limit_send,
        }

    async def admit(self, kind: RouteClass, owner: bytes) -> dict[str, str]:
        """Count a request and return the headers of its answer; TooManyRequests when it is one too many."""
        verdict = await self._limiter.take(kind, owner, most=self._most[kind])
        if verdict is not None and not verdict.is_allowed:
            raise _refuse(f"This credential may {kind} {verdict.limit} times a minute.", verdict)
        return verdict.headers if verdict else {}

    async def count_failure(self, client: str) -> None:
        """Count a refused credential to the address it came from; TooManyRequests when they are too many.

        Only refusals end here: a credential that is valid is served, wherever it comes from.
        """
        verdict = await self._limiter.take("failure", name_client(client), most=self._failures)
        if verdict is not None and not verdict.is_allowed:
            raise _refuse("Too many credentials from this address were not valid.", verdict, silent=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._limiter.close()


def _refuse(sentence: str, verdict: Verdict, *, silent: bool = False) -> TooManyRequests:
    """Make the refusal; to whom no credential belongs, no allowance is told."""
    headers = {} if silent else verdict.headers
    return TooManyRequests(sentence, headers={**headers, "Retry-After": str(verdict.retry_after)})
