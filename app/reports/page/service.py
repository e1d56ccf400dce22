"""The report as a page."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from app.audience.resolve import REASONS
from app.core.html import Pages
from app.reports.page import chart
from app.reports.page.gather import COUNTED, Report
from app.reports.page.words import show_instant, show_number, show_share

_EXCLUDED: Final = {
    "unsubscribed": "Unsubscribed from this type of email",
    "suppressed": "The address bounced for good, or its owner complained",
    "duplicate_address": "Another recipient has the same address",
    "unsendable_address": "The address can receive no email",
    "erased": "Erased in the meantime",
}
_pages = Pages("app.reports.page")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many people were not mailed for one reason."""

    reason: str
    words: str
    count: int


def render_report(report: Report) -> Response:
    """Answer the page, under a name to save it by."""
    page = _pages.render("report.html", colour=report.colour, **_list_figures(report), **_give_words(report))
    page.headers["Content-Disposition"] = _name_file(report)
    return page


def _list_figures(report: Report) -> dict[str, Any]:  # whatever the template names
    stats = report.campaign.stats
    return {
        "campaign": report.campaign,
        "school": report.school,
        "audience": report.audience,
        "reached": "those delivered" if stats.delivered else "those sent",
        "excluded": [
            LeftOut(reason, _EXCLUDED[reason], stats.excluded[reason])
            for reason in REASONS
            if stats.excluded[reason]
        ],
        "periods": report.periods,
        "links": report.links,
        "providers": report.providers,
        "counted": COUNTED,
        "failures": report.failures,
        "made_at": report.made_at,
    }


def _give_words(report: Report) -> dict[str, Any]:  # as above
    return {
        "number": show_number,
        "share": show_share,
        "instant": lambda at: show_instant(at, report.timezone),
        "series": chart.SERIES,
        "chart": chart.draw_chart(report.periods, report.timezone),
        "width": chart.WIDTH,
        "height": chart.HEIGHT,
        "left": chart.LEFT,
        "right": chart.WIDTH - chart.RIGHT,
    }


def _name_file(report: Report) -> str:
    """Name the file for those who read any script, and for those who read ASCII (RFC 6266, appendix D)."""
    at = report.made_at.astimezone(report.timezone)
    name = "".join(each if each.isalnum() else " " for each in report.campaign.display_name)
    name = " ".join(name.split())[:80].strip()
    full = f"{name} {at:%Y-%m-%d}.html"
    return f"inline; filename=\"campaign-report-{at:%Y-%m-%d}.html\"; filename*=UTF-8''{quote(full)}"
