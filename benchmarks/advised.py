"""A deployment as the README advises it, on whatever machine this is."""

import os
from typing import Final

from app.demo.stack import Stack

_MEMORY: Final = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

POSTGRES: Final = {
    "shared_buffers": f"{_MEMORY * 2 // 5 // 1024**2}MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
}
"""Settings of the server."""
NO_LIMITS: Final = {f"CAMPAIGNS_RATE_LIMIT_{kind}": "0" for kind in ("READ", "WRITE", "SEND")}
"""Settings under which no limit is measured in place of the work."""


def make_stack(*, simulator_rate: float = 1000.0) -> Stack:
    """Return everything but workers, to be started: set as advised, without limits that would be measured."""
    return Stack(workers=0, settings=NO_LIMITS, simulator_rate=simulator_rate, postgres_settings=POSTGRES)
