"""Fetching signing certificates: bounded in time, size and number, and shared."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.mail import certificates
from app.mail.certificates import (
    MAX_CERTIFICATE_BYTES,
    CertificateFailure,
    CertificateStore,
    SigningKey,
    read_certificate,
    read_pinned_certificates,
)
from tests.mail.sns_signer import VALID_FROM, make_certificate, signing_key

pytestmark = pytest.mark.anyio

URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{}.pem"


class Web:
    """The network as an httpx transport: answers as told, and counts."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, content=make_certificate())
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.asked.set()
        await self.gate.wait()
        return self.answer()


class Watch:
    """A monotonic clock that stands still until moved."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def web() -> Web:
    return Web()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def store(web: Web, watch: Watch) -> AsyncIterator[CertificateStore]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(web.handle), follow_redirects=True) as client:
        certificate_store = CertificateStore(client, {}, monotonic=watch)
        yield certificate_store
        await certificate_store.aclose()


def respond(status: int = 200, content: bytes = b"", **headers: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, content=content, headers=headers)


def fail(error: Exception) -> Callable[[], httpx.Response]:
    def respond_with_failure() -> httpx.Response:
        raise error

    return respond_with_failure


async def test_a_certificate_is_fetched_once_and_kept(store: CertificateStore, web: Web) -> None:
    first = await store.load(URL.format("a1"))
    assert isinstance(first, SigningKey)
    assert first.public_key == signing_key().public_key()
    assert await store.load(URL.format("a1")) is first
    assert store.get(URL.format("a1")) is first
    assert len(web.requests) == 1


async def test_those_who_ask_at_once_share_one_fetch(store: CertificateStore, web: Web) -> None:
    web.gate.clear()
    waiting = [asyncio.create_task(store.load(URL.format("a1"))) for _ in range(20)]
    await web.asked.wait()
    waiting[0].cancel()
    web.gate.set()
    keys = await asyncio.gather(*waiting[1:])
    assert len({id(key) for key in keys}) == 1
    assert len(web.requests) == 1


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (respond(404), CertificateFailure.REFUSED),
        (respond(403), CertificateFailure.REFUSED),
        (respond(302, Location="https://evil.test/x.pem"), CertificateFailure.REFUSED),
        (respond(200, b"hello"), CertificateFailure.REFUSED),
        (respond(200, b""), CertificateFailure.REFUSED),
        (respond(200, make_certificate() + b" " * MAX_CERTIFICATE_BYTES), CertificateFailure.REFUSED),
        (respond(200, make_certificate(ec.generate_private_key(ec.SECP256R1()))), CertificateFailure.REFUSED),
        (
            respond(200, gzip.compress(make_certificate()), **{"Content-Encoding": "gzip"}),
            CertificateFailure.REFUSED,
        ),
        (respond(500), CertificateFailure.UNREACHABLE),
        (respond(503), CertificateFailure.UNREACHABLE),
        (respond(429), CertificateFailure.UNREACHABLE),
        (fail(httpx.ConnectError("refused")), CertificateFailure.UNREACHABLE),
        (fail(httpx.ReadTimeout("late")), CertificateFailure.UNREACHABLE),
        (fail(httpx.RemoteProtocolError("garbage")), CertificateFailure.UNREACHABLE),
    ],
)
async def test_failures_are_remembered_for_a_while(
    store: CertificateStore,
    web: Web,
    watch: Watch,
    answer: Callable[[], httpx.Response],
    failure: CertificateFailure,
) -> None:
    web.answer = answer
    assert await store.load(URL.format("a1")) is failure
    assert await store.load(URL.format("a1")) is failure
    assert len(web.requests) == 1
    watch.seconds += 61 if failure is CertificateFailure.REFUSED else 6
    web.answer = respond(200, make_certificate())
    assert isinstance(await store.load(URL.format("a1")), SigningKey)


async def test_a_slow_certificate_is_given_up(
    store: CertificateStore, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "FETCH_SECONDS", 0.05)
    web.gate.clear()
    assert await store.load(URL.format("a1")) is CertificateFailure.UNREACHABLE


async def test_a_body_without_end_is_read_no_further_than_the_limit(
    store: CertificateStore, web: Web
) -> None:
    read = 0

    async def pour() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1_024
            yield b"x" * 1_024

    web.answer = lambda: httpx.Response(200, content=pour())
    assert await store.load(URL.format("a1")) is CertificateFailure.REFUSED
    assert read <= MAX_CERTIFICATE_BYTES + 8_192


async def test_fetches_under_way_are_bounded(store: CertificateStore, web: Web) -> None:
    web.gate.clear()
    waiting = [asyncio.create_task(store.load(URL.format(f"{number:x}"))) for number in range(30)]
    done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result() for task in done} == {CertificateFailure.UNREACHABLE}
    assert len(done) == 22
    web.gate.set()
    assert all(isinstance(key, SigningKey) for key in await asyncio.gather(*pending))


async def test_closing_gives_up_fetches_under_way(store: CertificateStore, web: Web) -> None:
    web.gate.clear()
    waiting = asyncio.create_task(store.load(URL.format("a1")))
    await web.asked.wait()
    await store.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_asking_for_what_does_not_exist_pushes_no_key_out(store: CertificateStore, web: Web) -> None:
    key = await store.load(URL.format("a1"))
    web.answer = respond(404)
    for number in range(600):
        await store.load(URL.format(f"b{number:x}"))
    assert store.get(URL.format("a1")) is key
    assert len(store._failures) == 256


async def test_keys_are_bounded_and_the_least_used_goes_first(store: CertificateStore, web: Web) -> None:
    for number in range(40):
        await store.load(URL.format("a1"))
        await store.load(URL.format(f"b{number:x}"))
    assert store.get(URL.format("a1")) is not None
    assert store.get(URL.format("b0")) is None


async def test_a_pinned_url_is_never_fetched(web: Web) -> None:
    pinned = read_certificate(make_certificate())
    async with httpx.AsyncClient(transport=httpx.MockTransport(web.handle)) as client:
        store = CertificateStore(client, {URL.format("a1"): pinned})
        assert await store.load(URL.format("a1")) is pinned
    assert web.requests == []


def test_a_certificate_knows_when_it_is_valid(tmp_path: Path) -> None:
    pem = make_certificate(days=10)
    key = read_certificate(pem)
    after = VALID_FROM.replace(year=2021)
    assert key.is_valid_at(VALID_FROM)
    assert not key.is_valid_at(after)
    assert not key.is_valid_at(VALID_FROM.replace(year=2019))
    (tmp_path / "sns.pem").write_bytes(pem)
    pinned = read_pinned_certificates({"url": tmp_path / "sns.pem"})["url"]
    assert pinned.is_valid_at(after)


def test_a_pinned_file_that_cannot_be_used_names_its_url(tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("hello")
    for name in ("missing.pem", "not.pem"):
        with pytest.raises(ValueError, match="https://pinned/x"):
            read_pinned_certificates({"https://pinned/x": str(tmp_path / name)})
