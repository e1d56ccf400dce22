"""RFC 3339 timestamps as AWS writes them, read strictly."""

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)",
    re.ASCII,
)


def parse_instant(text: str) -> datetime:
    """Return the instant in UTC, to the microsecond; raise ValueError for anything else (RFC 3339 §5.6)."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not an RFC 3339 timestamp")
    try:
        at = datetime.fromisoformat(text)
        return at if at.tzinfo is UTC else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a timestamp out of range") from error
