"""Settings: a wrong value stops the start with one line that names the variable and keeps secrets."""

from collections.abc import Iterator

import pytest

from app.core.config import Settings, SettingsError, load_settings

KEY = "b7Qm2-xT9vRk4Lp8Zs1Wd6Yf3Hj5Nc0A"
GOOD = {
    "CAMPAIGNS_DATABASE_URL": "postgresql+asyncpg://campaigns@db.example/campaigns",
    "CAMPAIGNS_REDIS_URL": "redis://redis.example/0",
    "CAMPAIGNS_PUBLIC_URL": "https://mail.school.example",
    "CAMPAIGNS_SECRET_KEYS": KEY,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The least that is needed, and nothing remembered."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def fail() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_the_least_is_enough() -> None:
    settings = load_settings()
    assert settings.secret_keys == (KEY,)
    assert (settings.sns_topic_arns, settings.cors_origins, settings.sns_pinned_certs) == ((), (), {})
    assert (settings.reconcile_after_seconds, settings.max_lateness_minutes) == (900, 360)


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    assert fail() == f"{name}: is not set"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://campaigns@db.example/campaigns"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgresql+asyncpg://campaigns@db.example:port/campaigns"),
        ("REDIS_URL", "redis://cache.example:port/0"),
        ("REDIS_URL", "http://redis.example"),
        ("PUBLIC_URL", "mail.school.example"),
        ("PUBLIC_URL", "ftp://mail.school.example"),
        ("PUBLIC_URL", "https://mail.school.example/?a=b"),
        ("PUBLIC_URL", "https://mail.school.example/#top"),
        ("SECRET_KEYS", ""),
        ("SECRET_KEYS", " , "),
        ("SECRET_KEYS", "short"),
        ("SECRET_KEYS", "a" * 64),
        ("SECRET_KEYS", f"{KEY},changeme"),
        ("SECRET_KEYS", "changeme-changeme-0123456789-changeme"),
        ("SECRET_KEYS", "b7Qm2-xT9vRk4Lp8" * 3),
        ("SECRET_KEYS", "my-Password-b7Qm2-xT9vRk4Lp8Zs1Wd6Yf3"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://*.school.example"),
        ("CORS_ORIGINS", "https://app.example/path"),
        ("CORS_ORIGINS", "https://app.example/"),
        ("CORS_ORIGINS", "https://user@app.example"),
        ("CORS_ORIGINS", "app.example"),
        ("JWT_JWKS", "http://id.example/jwks"),
        ("JWT_JWKS", "ftp://id.example/jwks"),
        ("RATE_LIMIT_READ", "-1"),
        ("RATE_LIMIT_SEND", "many"),
        ("SES_MAX_SEND_RATE", "0"),
        ("SES_MAX_SEND_RATE", "fast"),
        ("SNS_PINNED_CERTS", "not JSON"),
        ("SNS_PINNED_CERTS", "[]"),
        ("RECONCILE_AFTER_SECONDS", "0"),
        ("RECONCILE_AFTER_SECONDS", "1.5"),
        ("DATABASE_POOL_SIZE", "1"),
        ("CALLS_IN_FLIGHT", "201"),
        ("LEASE_SECONDS", ""),
    ],
)
def test_what_is_wrong_is_named_in_one_line(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"CAMPAIGNS_{name}", value)
    message = fail()
    assert message.startswith(f"CAMPAIGNS_{name}: ")
    assert "\n" not in message
    assert len(message) < 200


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_REDIS_URL", "x")
    monkeypatch.setenv("CAMPAIGNS_LEASE_SECONDS", "x")
    monkeypatch.delenv("CAMPAIGNS_PUBLIC_URL")
    message = fail()
    assert all(f"CAMPAIGNS_{name}: " in message for name in ("REDIS_URL", "LEASE_SECONDS", "PUBLIC_URL"))
    assert "\n" not in message


def test_no_secret_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_SECRET_KEYS", "hush-hush")
    monkeypatch.setenv("CAMPAIGNS_DATABASE_URL", "mysql://user:pass-word@db.example/x")
    message = fail()
    assert "hush-hush" not in message
    assert "pass-word" not in message


@pytest.mark.parametrize("missing", ["ISSUER", "AUDIENCE", "JWKS"])
def test_of_the_identity_provider_all_is_needed_or_nothing(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"ISSUER": "https://id.example", "AUDIENCE": "campaigns", "JWKS": "https://id.example/jwks"}
    for name, value in given.items():
        monkeypatch.setenv(f"CAMPAIGNS_JWT_{name}", value)
    assert load_settings().jwt_audience == "campaigns"
    load_settings.cache_clear()
    monkeypatch.delenv(f"CAMPAIGNS_JWT_{missing}")
    message = fail()
    assert f"CAMPAIGNS_JWT_{missing}" in message
    assert "\n" not in message


@pytest.mark.parametrize("source", ["http://127.0.0.1:9000/jwks", "/etc/campaigns/jwks.json", "jwks.json"])
def test_a_key_set_may_be_near_or_in_a_file(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ISSUER": "x", "AUDIENCE": "y", "JWKS": source}.items():
        monkeypatch.setenv(f"CAMPAIGNS_JWT_{name}", value)
    assert load_settings().jwt_jwks == source


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    other = KEY[::-1]
    monkeypatch.setenv("CAMPAIGNS_SECRET_KEYS", f" {KEY} ,{other},")
    monkeypatch.setenv("CAMPAIGNS_CORS_ORIGINS", "https://a.example,https://b.example")
    monkeypatch.setenv("CAMPAIGNS_SNS_TOPIC_ARNS", "arn:aws:sns:eu-west-1:123456789012:ses")
    settings = load_settings()
    assert settings.secret_keys == (KEY, other)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.sns_topic_arns == ("arn:aws:sns:eu-west-1:123456789012:ses",)


def test_the_public_url_loses_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMPAIGNS_PUBLIC_URL", "https://school.example/mail/")
    assert load_settings().public_url == "https://school.example/mail"


def test_settings_cannot_be_changed(settings: Settings) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.redis_url = "redis://elsewhere"  # type: ignore[misc]  # which is the point
