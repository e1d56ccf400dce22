"""The network as SNS messages see it: every request kept, one answer to all."""

import httpx

from tests.mail.sns_signer import make_certificate


class Web:
    """The network as an httpx transport: one answer to all, every request kept."""

    def __init__(self) -> None:
        self.urls: list[str] = []
        self.answer = httpx.Response(200, content=make_certificate())
        self.error: httpx.TransportError | None = None

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        if self.error is not None:
            raise self.error
        return httpx.Response(
            self.answer.status_code, headers=self.answer.headers, content=self.answer.content
        )
