"""Cells of a file for spreadsheets (pure): nothing in it is ever computed, and any script is read.

What a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises:
https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from urllib.parse import quote

from app.core.examples import show_model
from app.reports.recipients import Line
from app.reports.schemas import RecipientView

BOM: Final = b"\xef\xbb\xbf"
"""By it spreadsheets know that the file is UTF-8."""
HEADER: Final = Line._fields
# The full-width ones are read as the others in some locales.
_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")
_UNFIT: Final = re.compile(r'[\\/:*?"<>|\s]+')
_LONGEST_NAME: Final = 80


def disarm(text: str | None) -> str | None:
    """Return the text as a cell that no spreadsheet computes."""
    return f"'{text}" if text and text[0] in _FORMULA else text


def write_header() -> bytes:
    """Return the start of the file."""
    return BOM + (",".join(HEADER) + "\r\n").encode()


def show_file() -> str:
    """Return an example of the file: the recipient whom the API's own example shows."""
    shown = show_model(RecipientView)
    instants = {
        name: value and datetime.fromisoformat(value) for name, value in shown.items() if name.endswith("_at")
    }
    return (write_header().removeprefix(BOM) + write_lines([Line(**shown | instants)])).decode()


def write_lines(lines: Iterable[Line]) -> bytes:
    """Return the lines as RFC 4180 has them; instants are RFC 3339 in UTC, as the API answers them."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows(map(_make_cells, lines))
    return file.getvalue().encode()


def _make_cells(line: Line) -> tuple[object, ...]:
    return (
        line.id,
        disarm(line.user),
        disarm(line.name),
        disarm(line.profile_url),
        disarm(line.email),
        _BOOLEANS[line.sent],
        _write_instant(line.sent_at),
        line.delivery_status,
        disarm(line.delivery_reason),
        disarm(line.diagnostic),
        _BOOLEANS[line.opened],
        _write_instant(line.first_opened_at),
        _write_instant(line.last_opened_at),
        line.open_count,
        _BOOLEANS[line.clicked],
        _write_instant(line.first_clicked_at),
        _write_instant(line.last_clicked_at),
        line.click_count,
        _BOOLEANS[line.machine_opened],
        _BOOLEANS[line.machine_clicked],
        _BOOLEANS[line.unsubscribed],
        line.highlight,
    )


_BOOLEANS: Final = ("false", "true")


def _write_instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()[:-6] + "Z"  # the driver gives UTC, which ends in +00:00


def name_file(title: str, at: datetime | None) -> str:
    """Return a file name that any system takes: `recipients-2026-03-01-Spring fair.csv`."""
    printable = "".join(each for each in title if unicodedata.category(each)[0] != "C" or each.isspace())
    words = _UNFIT.sub(" ", printable)[:_LONGEST_NAME].strip(" .")
    day = f"{at:%Y-%m-%d}" if at else ""
    return "-".join(part for part in ("recipients", day, words) if part) + ".csv"


def make_disposition(file_name: str) -> str:
    """Return the Content-Disposition of a download (RFC 6266), its name also in any script (RFC 8187)."""
    plain = unicodedata.normalize("NFKD", file_name).encode("ascii", "ignore").decode()
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
