"""Typed settings: the only reader of the environment."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, Field, HttpUrl, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

WEAK_WORDS = ("changeme", "change-me", "password", "insecure", "example", "your-secret", "yoursecret")
"""Of keys that stand in documents and templates; one that was drawn at random has none of them."""
MOST_A_MINUTE = 1_000_000


class SettingsError(Exception):
    """A setting is missing or wrong; the message names the variable and fits on one line."""


def _origin(value: str) -> str:
    url = HttpUrl(value)
    if url.query or url.fragment:
        raise ValueError("must have no query and no fragment: paths are added to it")
    return value.rstrip("/")


CommaSeparated = Annotated[tuple[str, ...], NoDecode]
BaseUrl = Annotated[str, AfterValidator(_origin)]


def _check_port(url: str) -> str:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("has a port that is no port number") from None
    return url


def _is_weak(key: str) -> bool:
    """Tell whether a key was typed, repeated or copied rather than drawn at random."""
    is_repeated = key in (key + key)[1:-1]
    is_known = any(word in key.lower() for word in WEAK_WORDS)
    return len(key) < 32 or len(set(key)) < 8 or is_repeated or is_known


class Settings(BaseSettings):
    """Everything that differs between deployments; durations in seconds, rates in recipients a second."""

    model_config = SettingsConfigDict(env_prefix="CAMPAIGNS_", frozen=True, extra="ignore")

    database_url: str
    redis_url: str
    public_url: BaseUrl
    secret_keys: CommaSeparated
    ses_configuration_set: str | None = None
    ses_max_send_rate: float | None = Field(default=None, gt=0)
    sns_topic_arns: CommaSeparated = ()
    sns_pinned_certs: Annotated[dict[str, Path], NoDecode] = Field(default_factory=dict)
    cors_origins: CommaSeparated = ()
    trusted_proxies: CommaSeparated = ("127.0.0.1",)
    """Addresses or networks of load balancers whose X-Forwarded-For says where a visitor comes from."""
    jwt_issuer: str | None = Field(default=None, min_length=1)
    jwt_audience: str | None = Field(default=None, min_length=1)
    jwt_jwks: str | None = Field(default=None, min_length=1)
    """The URL of the identity provider's key set, or the path of a file."""
    rate_limit_read: int = Field(default=1200, ge=0, le=MOST_A_MINUTE)
    """Requests a minute of one credential; 0 is no limit. So for changes, for sending, and for refusals."""
    rate_limit_write: int = Field(default=600, ge=0, le=MOST_A_MINUTE)
    rate_limit_send: int = Field(default=120, ge=0, le=MOST_A_MINUTE)
    rate_limit_failures: int = Field(default=300, ge=0, le=MOST_A_MINUTE)
    """Credentials refused a minute to one client address."""
    reconcile_after_seconds: int = Field(default=900, ge=1)
    max_lateness_minutes: int = Field(default=360, ge=1)
    database_pool_size: int = Field(default=10, ge=2)
    calls_in_flight: int = Field(default=16, ge=1, le=200)
    lease_seconds: int = Field(default=60, ge=5)
    retention_months: int | None = Field(default=None, ge=1, le=1200)
    """Whole months of history kept beside the current one; unset keeps all."""
    record_retention_days: int = Field(default=30, ge=1, le=36500)
    """How long idempotency keys and what is known of finished imports are kept."""

    @field_validator("secret_keys", "sns_topic_arns", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("sns_pinned_certs", mode="before")
    @classmethod
    def _read_json(cls, value: object) -> object:
        try:
            return orjson.loads(value) if isinstance(value, str) else value
        except orjson.JSONDecodeError:
            raise ValueError("must be JSON: signing certificate URL to PEM file") from None

    @field_validator("database_url")
    @classmethod
    def _is_asyncpg(cls, value: str) -> str:
        if not value.startswith("postgresql+asyncpg://"):
            raise ValueError("must start with postgresql+asyncpg://")
        return _check_port(value)

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://")
        return _check_port(value)

    @field_validator("secret_keys")
    @classmethod
    def _is_strong(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("needs at least one key")
        if any(_is_weak(key) for key in value):
            raise ValueError("each key must be random and at least 32 characters long")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            url = urlsplit(_check_port(origin))
            # As a browser sends it (RFC 6454 section 6.2): anything else would match none, and `*` all.
            if url.scheme not in {"http", "https"} or origin != f"{url.scheme}://{url.netloc.lower()}":
                raise ValueError("each must be an origin such as https://app.example, without a path")
            if not url.hostname or "@" in url.netloc or "*" in url.netloc:
                raise ValueError("each must be an origin such as https://app.example, without a path")
        return value

    @field_validator("jwt_jwks")
    @classmethod
    def _is_key_set(cls, value: str | None) -> str | None:
        url = urlsplit(value or "")
        if "://" not in (value or "") or url.scheme == "https":
            return value
        if url.scheme == "http" and url.hostname in {"localhost", "127.0.0.1", "::1"}:
            return value
        raise ValueError("must be an https URL or the path of a file")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = [self.jwt_issuer, self.jwt_audience, self.jwt_jwks]
        if any(given) and not all(given):
            raise ValueError(
                "CAMPAIGNS_JWT_ISSUER, CAMPAIGNS_JWT_AUDIENCE, CAMPAIGNS_JWT_JWKS: "
                "all three are needed, or none"
            )
        return self

    @property
    def sns_endpoint(self) -> str | None:
        """botocore's own override of where SNS is (a simulator, a closed network)."""
        return os.environ.get("AWS_ENDPOINT_URL_SNS") or None


@lru_cache
def load_settings() -> Settings:
    """Read the environment once; raises SettingsError with one line that names each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(fault) for fault in error.errors())) from None


def _explain(fault: object) -> str:
    assert isinstance(fault, dict)
    if not fault["loc"]:  # of several together: it names them itself
        return str(fault["msg"]).removeprefix("Value error, ")
    name = "CAMPAIGNS_" + str(fault["loc"][0]).upper()
    reason = "is not set" if fault["type"] == "missing" else str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {reason}"
