"""`GET /metrics`: one place to scrape, whatever the number of processes."""

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from app.core.http import show_text

router = APIRouter(tags=["Health"])
_TEXT = show_text(
    "text/plain",
    "# HELP campaigns_recipients_unknown Recipients of whom SES may have the mail.\n"
    "# TYPE campaigns_recipients_unknown gauge\n"
    "campaigns_recipients_unknown 0.0\n",
    "Prometheus's text format.",
)


@router.get(
    "/metrics",
    operation_id="read_metrics",
    summary="How is the deployment doing?",
    response_class=Response,
    responses=_TEXT,
)
async def read_metrics(request: Request) -> Response:
    """Answer the whole deployment's metrics, in Prometheus's text format; a few seconds old at most."""
    return Response(await request.app.state.scraper.render(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
