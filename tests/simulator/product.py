"""The other side: an endpoint for SNS, a pixel, a link and an unsubscribe page, and what they were asked."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Hit:
    """One request to a public address."""

    method: str
    place: str
    recipient: str
    agent: str
    status: int
    body: str


class Product:
    """Answers like the real one and remembers everything."""

    def __init__(self, sns_url: str) -> None:
        """Confirm subscriptions at `sns_url`, which stands in for the host in SubscribeURL."""
        self.url = ""
        self.confirms = True
        self.failures: list[int] = []
        self.messages: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.hits: list[Hit] = []
        self._sns_url = sns_url
        self.app = Starlette(
            routes=[
                Route("/webhooks/ses", self._receive, methods=["POST"]),
                Route("/o/{recipient}", self._open),
                Route("/c/{recipient}", self._click),
                Route("/p/{recipient}", self._page),
                Route("/u/{recipient}", self._page, methods=["GET", "POST"]),
            ]
        )

    def confirm_at(self, sns_url: str) -> None:
        """Confirm subscriptions at another host from now on."""
        self._sns_url = sns_url

    @property
    def webhook(self) -> str:
        """Where SNS delivers."""
        return f"{self.url}/webhooks/ses"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The SES events received, a duplicate again."""
        return [
            json.loads(message["Message"]) for message in self.messages if message["Type"] == "Notification"
        ]

    def count_events(self) -> Counter[str]:
        """Return the number of events of each type."""
        return Counter(event["eventType"] for event in self.events)

    def find_people(self, place: str, status: int) -> set[str]:
        """Return the recipients for whom a place was asked with that answer by a person."""
        return {
            hit.recipient
            for hit in self.hits
            if hit.place == place and hit.status == status and is_human(hit)
        }

    async def _receive(self, request: Request) -> Response:
        message = json.loads(await request.body())
        if self.failures:
            return Response(status_code=self.failures.pop(0))
        self.messages.append(message)
        self.headers.append(dict(request.headers))
        if message["Type"] == "SubscriptionConfirmation" and self.confirms:
            async with httpx.AsyncClient(trust_env=False) as http:
                answer = await http.get(f"{self._sns_url}/?{urlsplit(message['SubscribeURL']).query}")
            assert "<SubscriptionArn>arn:aws:sns:" in answer.text
        return PlainTextResponse("ok")

    async def _open(self, request: Request) -> Response:
        return await self._answer(request, "open", Response(b"GIF89a", media_type="image/gif"))

    async def _click(self, request: Request) -> Response:
        return await self._answer(request, "click", RedirectResponse("https://school.example/", 302))

    async def _page(self, request: Request) -> Response:
        place = "preferences" if request.url.path.startswith("/p/") else "unsubscribe"
        return await self._answer(request, place, PlainTextResponse("page"))

    async def _answer(self, request: Request, place: str, response: Response) -> Response:
        self.hits.append(
            Hit(
                method=request.method,
                place=place,
                recipient=request.path_params["recipient"],
                agent=request.headers.get("user-agent", ""),
                status=response.status_code,
                body=(await request.body()).decode(),
            )
        )
        return response


def is_human(hit: Hit) -> bool:
    """Tell a person's request from a machine's by its agent."""
    return hit.agent != "Mozilla/5.0" and "LinkScanner" not in hit.agent
