"""PostgreSQL and Redis from wheels, for the demo and the tests."""

from app.embedded.errors import EmbeddedServerError
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.redis import EmbeddedRedis
from app.embedded.server import EmbeddedServer
from app.embedded.services import EmbeddedServices, embedded_services, start_services

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedRedis",
    "EmbeddedServer",
    "EmbeddedServerError",
    "EmbeddedServices",
    "embedded_services",
    "start_services",
]
