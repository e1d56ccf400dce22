"""The OpenAPI document as it is committed: the same bytes wherever it is written."""

import json

from app.core.config import Settings
from app.main import create_app


def write_document() -> str:
    """Return the document as JSON text; needs no database and no setting."""
    settings = Settings(
        database_url="postgresql+asyncpg://unused",
        redis_url="redis://unused",
        public_url="https://campaigns.example",
        secret_keys="only-for-writing-the-document-abcdef",  # noqa: S106
    )
    return json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"
