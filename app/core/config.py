"""Typed settings: the only reader of the environment."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, Field, HttpUrl, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

WEAK_KEYS = frozenset({"secret", "changeme", "password", "development", "default", "test"})


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
    reconcile_after_seconds: int = Field(default=900, ge=1)
    max_lateness_minutes: int = Field(default=360, ge=1)
    database_pool_size: int = Field(default=10, ge=2)
    calls_in_flight: int = Field(default=16, ge=1, le=200)
    lease_seconds: int = Field(default=60, ge=5)

    @field_validator("secret_keys", "sns_topic_arns", "cors_origins", mode="before")
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
        if any(len(key) < 32 or key.lower() in WEAK_KEYS or len(set(key)) < 8 for key in value):
            raise ValueError("each key must be random and at least 32 characters long")
        return value

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
    name = "CAMPAIGNS_" + str(fault["loc"][0]).upper()
    reason = "is not set" if fault["type"] == "missing" else str(fault["msg"]).removeprefix("Value error, ")
    return f"{name}: {reason}"
