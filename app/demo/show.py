"""How the demo looks in a terminal: tables as the list, the cards and the first recipients of a report."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from app.demo.check import Comparison

BARS = ("sent", "delivered", "bounced", "opened", "clicked")
_STYLES = {"danger": "red", "success": "green", None: ""}


def make_progress(console: Console) -> Progress:
    """Return the live bars."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:>10}"),
        BarColumn(40),
        MofNCompleteColumn(),
        console=console,
    )


def show_list(console: Console, campaigns: Iterable[Mapping[str, Any]]) -> None:
    """Print the campaign list as an administrator sees it; counts above their rates, to fit 80 columns."""
    table = _make_table("Campaigns")
    table.add_column("Sent at", no_wrap=True)
    table.add_column("Campaign name\nType", min_width=13)
    for column in ("Recipients", "Sent", "SES\ndelivered", "Bounced", "Opened", "Clicked"):
        table.add_column(column, justify="right", no_wrap=True)
    for campaign in campaigns:
        stats = campaign["stats"]
        table.add_row(
            _show_instant(campaign["sent_at"], campaign["timezone"]),
            Text(f"{campaign['display_name']}\n{campaign['message_type'].capitalize()}"),
            f"{stats['recipients']:,}",
            _with_rate(stats["sent"], stats["sent_rate"], "\n"),
            f"{stats['delivered']:,}",
            f"{stats['bounced']:,}",
            _with_rate(stats["opened"], stats["open_rate"], "\n"),
            _with_rate(stats["clicked"], stats["click_rate"], "\n"),
        )
    console.print(table)


def show_cards(console: Console, campaign: Mapping[str, Any]) -> None:
    """Print the detail's summary cards."""
    stats = campaign["stats"]
    badges = ", ".join(f"{stats[name]} {name}" for name in ("bounced", "complained", "failed") if stats[name])
    machines = f"machines: {stats['machine_opened']} opened, {stats['machine_clicked']} clicked"
    cards = (
        ("Recipients", f"{stats['recipients']:,}", f"{sum(stats['excluded'].values())} excluded"),
        ("Sent", _with_rate(stats["sent"], stats["sent_rate"]), ""),
        ("SES delivered", f"{stats['delivered']:,}", badges),
        ("Pending", f"{stats['pending']:,}", ""),
        ("Opened", _with_rate(stats["opened"], stats["open_rate"]), machines),
        (
            "Clicked",
            _with_rate(stats["clicked"], stats["click_rate"]),
            f"{stats['unsubscribed']} unsubscribed",
        ),
    )
    console.print(
        Columns(
            [
                Panel(f"[bold]{value}[/bold]\n[dim]{note or ' '}[/dim]", title=name)
                for name, value, note in cards
            ]
        )
    )
    console.print(Text.assemble("Subject  ", (campaign["subject"], "bold")))
    console.print(Text(f"Sent by  {campaign['sent_by']['name']} · {campaign['timezone']}"))


def show_recipients(console: Console, recipients: Iterable[Mapping[str, Any]]) -> None:
    """Print the first rows of the per-recipient table, in the report's colours."""
    table = _make_table("First recipients")
    table.add_column("Name", no_wrap=True, min_width=12)
    table.add_column("Email", no_wrap=True, min_width=24)
    table.add_column("Sent", no_wrap=True)
    table.add_column("Delivery")
    table.add_column("Opened", justify="right", no_wrap=True)
    table.add_column("Clicked", justify="right", no_wrap=True)
    for row in recipients:
        reason = f": {row['delivery_reason']}" if row["delivery_reason"] else ""
        table.add_row(
            Text(row["name"]),
            Text(row["email"]),
            "yes" if row["sent"] else "no",
            Text(row["delivery_status"].replace("_", " ") + reason),
            f"{row['open_count']}×" if row["opened"] else "no",
            f"{row['click_count']}×" if row["clicked"] else "no",
            style=_STYLES[row["highlight"]],
        )
    console.print(table)


def show_comparison(console: Console, comparisons: Iterable[Comparison]) -> bool:
    """Print every number that is wrong; return whether all are right."""
    wrong = [each for each in comparisons if not each.is_right]
    for each in wrong:
        console.print(
            f"[red]{each.name}: the report says {each.reported}, the simulator {each.expected}[/red]"
        )
    if not wrong:
        console.print("[green]Every number of the report is what the simulator knows it did.[/green]")
    return not wrong


def _make_table(title: str) -> Table:
    """No lines but one under the header: at 80 columns every character is needed."""
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)


def _with_rate(count: int, rate: float | None, between: str = " ") -> str:
    return f"{count:,}" if rate is None else f"{count:,}{between}({rate:.1%})"


def _show_instant(instant: str | None, timezone: str) -> str:
    """The date above the time of day, in the school's timezone."""
    if instant is None:
        return "scheduled"
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d\n%H:%M %Z")
