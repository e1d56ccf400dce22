"""The API process: routers, error handling, and what lives as long as the process."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import __version__
from app.audience.lists.routes import router as mailing_lists
from app.audience.routes import router as audiences
from app.campaigns.routes import router as messages
from app.core import health
from app.core.collector import collect_less_often
from app.core.config import Settings, load_settings
from app.core.context import SECURITY_HEADERS, TRANSPORT_SECURITY, RequestContext
from app.core.db import Database
from app.core.errors import TooManyRequests
from app.core.group_commit import GroupCommit
from app.core.http import add_error_handlers, describe_problems
from app.core.lane import FastLane, LayeredAPI
from app.core.queue import Queue
from app.core.redis import connect_redis
from app.core.signing import Signer
from app.delivery.metrics.routes import router as metrics
from app.delivery.metrics.scrape import Scraper
from app.delivery.routes import router as control
from app.directory.holdings import Holding
from app.directory.imports.routes import PREFIX as IMPORTS
from app.directory.imports.routes import router as imports
from app.directory.routes import router as directory
from app.directory.suppressions.routes import router as suppressions
from app.drafts.mailer import Mailer
from app.drafts.routes import inert
from app.drafts.routes import router as drafts
from app.feedback.erase import erase_parked, read_parked
from app.feedback.routes import PATH as WEBHOOK
from app.feedback.routes import router as webhooks
from app.feedback.service import make_feedback
from app.mail.sns import SnsVerifier
from app.recipients.erase import erase_from_campaigns
from app.recipients.export import read_from_campaigns
from app.recipients.record import make_recorder
from app.reports.live.hub import Hub
from app.reports.live.routes import router as live
from app.reports.page.routes import router as report_page
from app.reports.routes import router as reports
from app.schools.api_keys.routes import router as api_keys
from app.schools.audit.routes import router as audit
from app.schools.routes import router as schools
from app.schools.throttle import Throttle
from app.schools.tokens import make_verifier
from app.tracking.backlog import Backlog
from app.tracking.kept_links import KeptLinks
from app.tracking.links import LinkBook
from app.tracking.outage import PATIENCE_SECONDS, DatabaseWatch
from app.tracking.routes import router as tracking
from app.tracking.visits import VisitRecorder
from app.unsubscribe.routes import router as unsubscribing
from app.unsubscribe.service import make_wishes

LAST_COMMIT_SECONDS = 5.0
PUBLIC = (tracking, webhooks, inert, unsubscribing, health.router, metrics)
"""They ask for no credential: recipients, SNS, and whoever watches over the deployment."""
EXPOSED_HEADERS = (
    "Content-Disposition",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-Id",
)
log = structlog.get_logger(__name__)
DESCRIPTION = """
Send one email to a filtered group of a school's users, and watch what becomes of it.

Push users and courses to `/v1/directory`, count an audience with `/v1/audiences/preview`, send with
`POST /v1/messages`, read `/v1/campaigns`.
"""


@cache
def _load_trust() -> ssl.SSLContext:
    """Read the certificates of those we trust once: it takes 20 ms."""
    return httpx.create_ssl_context()


@asynccontextmanager
async def _look_on(app: FastAPI, database: Database) -> AsyncIterator[None]:
    """Keep what looks at the database on behalf of those who watch it."""
    settings: Settings = app.state.settings
    async with (
        Scraper(database, settings.redis_url).running() as app.state.scraper,
        Hub(database).running() as app.state.live,
    ):
        yield


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    collect_less_often()
    settings: Settings = app.state.settings
    database = Database(settings, name="campaigns-api")
    queue = Queue(settings.redis_url)
    async with httpx.AsyncClient(follow_redirects=False, trust_env=False, verify=_load_trust()) as client:
        app.state.database = database
        app.state.queue = queue
        app.state.signer = Signer(settings.secret_keys)
        app.state.throttle = Throttle(settings)
        app.state.tokens = make_verifier(settings, client)
        redis = connect_redis(settings.redis_url)
        watch = DatabaseWatch()
        app.state.recorder = make_recorder(database, side_by_side=2, patience=PATIENCE_SECONDS)
        app.state.visits = VisitRecorder(app.state.recorder, Backlog(redis), watch)
        app.state.feedback = make_feedback(database)
        app.state.wishes = make_wishes(database)
        app.state.links = LinkBook(database, KeptLinks(redis), watch)
        app.state.mailer = Mailer(settings)
        # Parked events first: they are found by the addresses that campaigns then forget.
        app.state.holdings = (
            Holding(read_parked, erase_parked),
            Holding(read_from_campaigns, erase_from_campaigns),
        )
        app.state.sns = SnsVerifier(
            frozenset(settings.sns_topic_arns),
            settings.sns_pinned_certs,
            client,
            sns_endpoint=settings.sns_endpoint,
        )
        async with _look_on(app, database):
            yield
        await _finish(app.state.visits, app.state.feedback, app.state.wishes)
        await app.state.sns.aclose()
        await app.state.mailer.aclose()
        await app.state.throttle.close()
        await redis.aclose()
    await queue.close()
    await database.close()


async def _finish(*roads: VisitRecorder | GroupCommit[Any]) -> None:
    """Let what was submitted become durable, for as long as that can be waited for."""
    closing = [asyncio.create_task(road.close()) for road in roads]
    _, late = await asyncio.wait(closing, timeout=LAST_COMMIT_SECONDS)
    if late:
        log.warning("a commit was not waited for to its end", commits=len(late))
    for task in late:
        task.cancel()
    await asyncio.gather(*closing, return_exceptions=True)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the API; settings come from the environment unless given."""
    app = LayeredAPI(
        title="Campaigns",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_live,
        redoc_url=None,
        # Spans and records of it would hold paths with recipients' tokens, and messages with their addresses.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings or load_settings()
    add_error_handlers(app)
    for router in (
        tracking,  # what is asked most comes first: a request is compared with each path in turn
        webhooks,
        schools,
        api_keys,
        audit,
        directory,
        imports,
        suppressions,
        audiences,
        mailing_lists,
        messages,
        drafts,
        live,  # before the reports: it stands at a path of theirs
        report_page,
        reports,
        control,
        inert,  # before the recipients' own pages: it stands at a path of theirs
        unsubscribing,
        health.router,
        metrics,
    ):
        app.include_router(router, responses={} if router in PUBLIC else describe_problems(TooManyRequests))
    _add_layers(app, app.state.settings)
    return app


def _add_layers(app: LayeredAPI, settings: Settings) -> None:
    """Add what stands around every route, the innermost first."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_credentials=False,  # a credential is a header that the front end sets, never a cookie
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
            expose_headers=EXPOSED_HEADERS,
        )
    secure = TRANSPORT_SECURITY if settings.public_url.startswith("https://") else {}
    headers = SECURITY_HEADERS | secure
    app.surround(lambda inner: FastLane(inner, owner=app, routers=PUBLIC))
    # An import is of any length, and read in pieces; what SNS sends has a limit of its own, far lower.
    app.surround(lambda inner: RequestContext(inner, exempt=(IMPORTS, WEBHOOK), headers=headers))
