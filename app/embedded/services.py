"""PostgreSQL and Redis together: all the services the product needs, from nothing but wheels."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from app.embedded.postgres import EmbeddedPostgres
from app.embedded.redis import EmbeddedRedis


@dataclass(frozen=True, slots=True)
class EmbeddedServices:
    """Both servers, running, each in a temporary directory of its own."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis

    @property
    def database_url(self) -> str:
        """The value for CAMPAIGNS_DATABASE_URL."""
        return self.postgres.url()

    @property
    def redis_url(self) -> str:
        """The value for CAMPAIGNS_REDIS_URL."""
        return self.redis.url()

    def stop(self) -> None:
        """Stop both and remove what they wrote; may be repeated."""
        with ExitStack() as stack:
            stack.callback(self.postgres.stop)
            stack.callback(self.redis.stop)


def start_services(
    *, durable: bool = True, postgres_settings: Mapping[str, str] | None = None
) -> EmbeddedServices:
    """Start both servers; when one fails, neither is left, and EmbeddedServerError says why.

    `durable=False` is for tests: PostgreSQL then leaves out what only a crash of the machine would need.
    """
    with ExitStack() as stack:
        redis = stack.enter_context(EmbeddedRedis())
        postgres = stack.enter_context(EmbeddedPostgres(durable=durable, settings=postgres_settings))
        stack.pop_all()
    return EmbeddedServices(postgres=postgres, redis=redis)


@contextmanager
def embedded_services(*, durable: bool = True) -> Iterator[EmbeddedServices]:
    """Run both servers for the length of a `with` block."""
    services = start_services(durable=durable)
    try:
        yield services
    finally:
        services.stop()
