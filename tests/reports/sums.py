"""What SPEC §10 says of a campaign's figures, checked of one campaign by everything the API says of it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

Read = Callable[..., Awaitable[Any]]
"""GETs a path with query parameters and returns the JSON: `SchoolClient.read`, or one like it."""

_STATUSES = {
    "queued": ("queued",),
    "sending": ("sending",),
    "unknown": ("unknown",),
    "delivered": ("delivered", "complained"),
    "complained": ("complained",),
    "bounced_permanent": ("bounced",),
    "bounced_soft": ("soft_bounced",),
    "bounced": ("bounced", "soft_bounced"),
    "failed": ("failed",),
    "pending": ("accepted",),
}
_PEOPLE = ("opened", "clicked", "machine_opened", "machine_clicked", "unsubscribed", "sent")


async def read_all(read: Read, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return the items of every page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await read(path, **{"limit": 200} | query, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


async def check_sums(read: Read, campaign: UUID | str) -> dict[str, Any]:
    """Check that stats, recipients, links, timeline and domains say the same; return the stats.

    Nothing may happen to the campaign meanwhile.
    """
    path = f"/v1/campaigns/{campaign}"
    stats: dict[str, Any] = (await read(path))["stats"]
    lines = await read_all(read, f"{path}/recipients")
    check_stats(
        stats, failed_after=sum(line["sent"] for line in lines if line["delivery_status"] == "failed")
    )
    check_lines(stats, lines)
    assert len(await read_all(read, f"{path}/exclusions")) == sum(stats["excluded"].values())
    links = (await read(f"{path}/links"))["items"]
    assert sum(link["clicks"] for link in links) == stats["clicks"]
    assert all(link["unique_clickers"] <= stats["clicked"] for link in links)
    buckets = (await read(f"{path}/timeline"))["items"]
    for name in ("sent", "delivered", "opened", "clicked"):
        assert sum(bucket[name] for bucket in buckets) == stats[name], name
    domains = await read(f"{path}/domains")
    outcomes = [*domains["items"], *filter(None, [domains["rest"]])]
    for name in ("recipients", "sent", "delivered", "bounced", "complained", "failed", "opened", "clicked"):
        assert sum(outcome[name] for outcome in outcomes) == stats[name], name
    return stats


def check_stats(stats: dict[str, Any], *, failed_after: int) -> None:
    """Check what the stats say of each other; `failed_after` is how many failed once they were accepted."""
    before = stats["failed"] - failed_after
    open_now = stats["queued"] + stats["sending"] + stats["unknown"]
    assert stats["recipients"] == open_now + stats["sent"] + before
    assert stats["sent"] == stats["delivered"] + stats["bounced"] + stats["pending"] + failed_after
    assert stats["bounced"] == stats["bounced_permanent"] + stats["bounced_soft"]
    assert stats["opened_by_click"] <= stats["opened"]
    assert stats["clicked"] <= stats["opened"]
    reached = stats["delivered"] or stats["sent"]
    for rate, part, whole in (
        ("sent_rate", "sent", stats["recipients"]),
        ("open_rate", "opened", reached),
        ("click_rate", "clicked", reached),
    ):
        assert stats[rate] == (round(stats[part] / whole, 4) if whole else None), rate


def check_lines(stats: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Check that the stats are a recount of the recipients."""
    assert len({line["id"] for line in lines}) == len(lines) == stats["recipients"]
    statuses = Counter(line["delivery_status"] for line in lines)
    for name, counted in _STATUSES.items():
        assert stats[name] == sum(statuses[status] for status in counted), name
    for name in _PEOPLE:
        assert stats[name] == sum(line[name] for line in lines), name
    assert stats["opens"] == sum(line["open_count"] for line in lines)
    assert stats["clicks"] == sum(line["click_count"] for line in lines)
    assert stats["opened_by_click"] == sum(line["opened"] and not line["open_count"] for line in lines)
