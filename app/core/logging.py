"""Structured logs: one JSON object a line, with request, school and campaign ids, never a person's data."""

import logging
import sys

import structlog

from app.core.scrubbing import format_exception, scrub_values


def configure_logging(*, level: str = "INFO") -> None:
    """Send structlog's and the standard library's records to standard error as JSON lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        format_exception,
        scrub_values,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These name URLs (with tokens) and job arguments at INFO.
    for noisy in ("httpx", "httpcore", "botocore", "aiobotocore", "arq", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
