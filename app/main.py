"""The API process: routers, error handling, and what lives as long as the process."""

import gc
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import httpx
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app import __version__
from app.audience.lists.routes import router as mailing_lists
from app.audience.routes import router as audiences
from app.campaigns.routes import router as messages
from app.core import health
from app.core.config import Settings, load_settings
from app.core.db import Database
from app.core.http import RequestContext, add_error_handlers
from app.core.queue import Queue
from app.core.signing import Signer
from app.delivery.metrics.routes import router as metrics
from app.delivery.metrics.scrape import Scraper
from app.delivery.routes import router as control
from app.directory.holdings import Holding
from app.directory.imports.routes import STREAMED_PATHS
from app.directory.imports.routes import router as imports
from app.directory.routes import router as directory
from app.directory.suppressions.routes import router as suppressions
from app.drafts.mailer import Mailer
from app.drafts.routes import inert
from app.drafts.routes import router as drafts
from app.feedback.erase import erase_parked, read_parked
from app.feedback.routes import router as webhooks
from app.feedback.service import make_feedback
from app.mail.sns import SnsVerifier
from app.recipients.erase import erase_from_campaigns
from app.recipients.export import read_from_campaigns
from app.recipients.record import make_recorder
from app.reports.routes import router as reports
from app.schools.routes import router as schools
from app.tracking.links import LinkBook
from app.tracking.routes import router as tracking
from app.unsubscribe.routes import router as unsubscribing
from app.unsubscribe.service import make_wishes

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
async def _live(app: FastAPI) -> AsyncIterator[None]:
    gc.set_threshold(20_000, 20, 20)  # bursts of short-lived objects: the default looks at each several times
    settings: Settings = app.state.settings
    database = Database(settings, name="campaigns-api")
    queue = Queue(settings.redis_url)
    async with httpx.AsyncClient(follow_redirects=False, trust_env=False, verify=_load_trust()) as client:
        app.state.database = database
        app.state.queue = queue
        app.state.signer = Signer(settings.secret_keys)
        app.state.recorder = make_recorder(database)
        app.state.feedback = make_feedback(database)
        app.state.wishes = make_wishes(database)
        app.state.links = LinkBook(database)
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
        async with Scraper(database, settings.redis_url).running() as app.state.scraper:
            yield
        await app.state.sns.aclose()
        await app.state.mailer.aclose()
    await queue.close()
    await database.close()


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the API; settings come from the environment unless given."""
    app = FastAPI(
        title="Campaigns",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_live,
        redoc_url=None,
    )
    app.state.settings = settings or load_settings()
    add_error_handlers(app)
    for router in (
        schools,
        directory,
        imports,
        suppressions,
        audiences,
        mailing_lists,
        messages,
        drafts,
        reports,
        control,
        webhooks,
        tracking,
        inert,  # before the recipients' own pages: it stands at a path of theirs
        unsubscribing,
        health.router,
        metrics,
    ):
        app.include_router(router)
    if app.state.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(app.state.settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Location"],
        )
    app.add_middleware(RequestContext, streamed=STREAMED_PATHS)
    return app
