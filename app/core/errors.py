"""Every refusal the product makes: one kind each, answered as RFC 9457 problem details."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the input: where (RFC 6901 JSON pointer) and what."""

    pointer: str
    detail: str


class AppError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
        **members: object,
    ) -> None:
        """Keep the sentence for the caller; without one, the kind's docstring is the sentence."""
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.errors = tuple(errors)
        self.headers = headers or {}
        self.members = members
        super().__init__(self.detail)


class InvalidInput(AppError):
    """The request is not valid."""

    status = 422
    type = "invalid-input"
    title = "Invalid input"


class MalformedRequest(AppError):
    """The request cannot be read."""

    status = 400
    type = "malformed-request"
    title = "Malformed request"


class Unauthenticated(AppError):
    """A valid credential is needed: `Authorization: Bearer …`."""

    status = 401
    type = "unauthenticated"
    title = "Unauthenticated"


class Forbidden(AppError):
    """This credential may not do that."""

    status = 403
    type = "forbidden"
    title = "Forbidden"


class NotFound(AppError):
    """There is no such resource."""

    status = 404
    type = "not-found"
    title = "Not found"


class Conflict(AppError):
    """The resource is not in a state that allows this."""

    status = 409
    type = "conflict"
    title = "Conflict"


class TooLarge(AppError):
    """The request body is too large."""

    status = 413
    type = "too-large"
    title = "Too large"


class UnsupportedMediaType(AppError):
    """A body of this kind cannot be read here."""

    status = 415
    type = "unsupported-media-type"
    title = "Unsupported media type"


class BodyCutShort(MalformedRequest):
    """The connection ended before the body did."""


class TooManyRequests(AppError):
    """That is too many requests; `Retry-After` tells when to go on."""

    status = 429
    type = "too-many-requests"
    title = "Too many requests"


class Unavailable(AppError):
    """A service this needs is away; try again shortly."""

    status = 503
    type = "unavailable"
    title = "Unavailable"
