"""What must reach no log, whoever writes: addresses, credentials, tokens of links, words of exceptions."""

import re
import sys
from collections.abc import Iterator
from traceback import format_tb
from types import TracebackType
from typing import Any

from structlog.typing import EventDict, WrappedLogger

_SECRETS = re.compile(
    r"""
    (?P<key> ck_[\w-]{20,} )                                  # an API key
    | (?P<jwt> eyJ[\w-]+\.[\w-]+\.[\w-]* )                    # a JWT
    | (?P<token> (?<![\w-]) [\w-]{71} (?![\w-]) )             # of a pixel, a link, an unsubscription
    | (?P<address> [^\s"<>(),:;=]+ @ [^\s"'<>(),:;=]+ )      # of a person
    """,
    re.VERBOSE,
)


def scrub(text: str) -> str:
    """Return the text with each secret in it replaced by its kind."""
    return _SECRETS.sub(lambda found: f"[{found.lastgroup}]", text)


def scrub_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Scrub every text of a log line (a structlog processor)."""
    return {name: _scrub_value(value) for name, value in event.items()}


def _scrub_value(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {name: _scrub_value(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_scrub_value(each) for each in value]
    return value


def format_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Render `exc_info` as `exception`: where it was raised and of what kind, without its words.

    The words of an exception are somebody's data as often as not: asyncpg's name the row that was refused.
    """
    info = event.pop("exc_info", None)
    error = _find_error(info)
    if error is not None:
        event["exception"] = "\n".join(_tell(error))
    return event


def _find_error(info: Any) -> BaseException | None:  # whatever the logging call was given
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple) and len(info) == 3:
        found: BaseException | None = info[1]
        return found
    return sys.exc_info()[1] if info else None


def _tell(error: BaseException) -> Iterator[str]:
    """Tell of the error and of those that led to it, the first one first."""
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in chain:
        chain.append(each)
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    for known in reversed(chain):
        yield _tell_one(known, known.__traceback__)
        if isinstance(known, BaseExceptionGroup):
            for inner in known.exceptions:
                yield from _tell(inner)


def _tell_one(error: BaseException, trace: TracebackType | None) -> str:
    kind = type(error)
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    number = getattr(error, "errno", None)
    marks = [f" ({name} {mark})" for name, mark in (("SQLSTATE", state), ("errno", number)) if mark]
    return "".join([*format_tb(trace), f"{kind.__module__}.{kind.__qualname__}", *marks])
