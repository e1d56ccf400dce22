"""The forms of the pages: small, read whole, in either of the two encodings that a form can have."""

from starlette.requests import Request
from starlette.types import Message

from app.core.errors import TooLarge, UnsupportedMediaType
from app.core.http import stream_body

MOST_BYTES = 16 * 1024
ENCODINGS = ("application/x-www-form-urlencoded", "multipart/form-data")
"""RFC 8058 section 3.2 has mail programs send a one-click POST in either."""


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that are text; a field named twice counts as it was last.

    Raises UnsupportedMediaType, TooLarge, and MalformedRequest where the encoding is broken.
    """
    encoding = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if encoding not in ENCODINGS:
        raise UnsupportedMediaType(f"The body must be a form: {' or '.join(ENCODINGS)}.")
    body = bytearray()
    async for piece in stream_body(request):
        body += piece
        if len(body) > MOST_BYTES:
            raise TooLarge(f"The form is larger than {MOST_BYTES} bytes.")

    async def receive() -> Message:
        return {"type": "http.request", "body": bytes(body)}

    async with Request(request.scope, receive).form() as form:
        return {name: value for name, value in form.multi_items() if isinstance(value, str)}
