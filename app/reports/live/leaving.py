"""Hearing that the process is to leave, before the server does what it does then.

An ASGI server waits for open connections first and ends the lifespan last, so a stream that is to end must
hear of the signal itself.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_leaving(act: Callable[[], None]) -> Iterator[None]:
    """Have `act` run in the event loop when a signal to leave comes; who handled the signal still does.

    A signal that nobody handles is left as it is: it ends the process by itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals come to the main thread alone
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def hear(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(act)
        before[number](number, frame)

    for number in SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler):
            before[number] = handler
            signal.signal(number, hear)
    try:
        yield
    finally:
        for heard, handler in before.items():
            if signal.getsignal(heard) is hear:
                signal.signal(heard, handler)
