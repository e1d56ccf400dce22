"""`GET /metrics`: one place to scrape, whatever the number of processes."""

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

router = APIRouter(tags=["Health"])
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/plain": {"schema": {"type": "string"}}},
        "description": "Prometheus's text format.",
    }
}


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
