"""The demo's story: start everything, push a school, send, watch, report, compare."""

import asyncio
import signal
import sys
from typing import Any

import httpx
from rich.console import Console

from app.core.config import Settings
from app.core.db import Database
from app.demo import school as sample
from app.demo.check import Comparison, compare_report
from app.demo.show import BARS, make_progress, show_cards, show_comparison, show_list, show_recipients
from app.demo.stack import Stack, StackError, find_free_port
from app.schools.keys import create_key
from app.schools.schemas import SchoolCreate
from app.schools.service import create_school
from app.simulator.client import SimulatorClient

CHUNK = 1000
PATIENCE_SECONDS = 120
POLL_SECONDS = 0.2
SCHOOL = SchoolCreate(
    name="Riverside School",
    timezone="Europe/Madrid",
    from_name="Riverside School",
    from_email="news@riverside.example",
    postal_address="1 River Street\n41001 Sevilla, Spain",
)


def run_demo(*, once: bool, recipients: int, port: int | None) -> int:
    """Run the demo; return the exit code: 0 when the report is right, 1 when a number of it is not."""
    console = Console()
    stack = Stack(api_port=port or find_free_port(8000), durable=False)
    # A terminal's Ctrl-C reaches this process alone; everything it started is stopped in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with console.status("Starting PostgreSQL, Redis, the simulator, the API and a worker…"):
            stack.__enter__()
    except StackError as error:
        Console(stderr=True).print(f"campaigns: {error}", style="red", markup=False, highlight=False)
        return 1
    try:
        return asyncio.run(_tell(console, stack, once=once, recipients=recipients))
    except KeyboardInterrupt:
        return 0
    finally:
        with console.status("Stopping…"):
            stack.__exit__(*sys.exc_info())


async def _tell(console: Console, stack: Stack, *, once: bool, recipients: int) -> int:
    key = await open_school(stack)
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        SimulatorClient(stack.simulator_url) as world,
        httpx.AsyncClient(base_url=stack.api_url, headers=headers, timeout=30, trust_env=False) as api,
    ):
        await world.subscribe(f"{stack.api_url}/webhooks/ses")
        await push_school(console, api, recipients)
        campaign, previewed = await send_campaign(api)
        await watch_campaign(console, api, campaign["id"], previewed)
        comparisons = await settle_and_compare(api, world, campaign["id"], previewed)
        is_right = await show_report(console, api, campaign["id"], comparisons)
        _show_urls(console, stack, key, campaign["id"])
        if not once:
            console.print("Up until Ctrl-C.")
            await asyncio.Event().wait()
    return 0 if is_right else 1


async def open_school(stack: Stack, wanted: SchoolCreate = SCHOOL) -> str:
    """Create a school, the sample one unless told otherwise; return its API key."""
    settings = Settings(
        database_url=stack.services.database_url,
        redis_url=stack.services.redis_url,
        public_url=stack.api_url,
        secret_keys=stack.environment["CAMPAIGNS_SECRET_KEYS"],  # type: ignore[arg-type]  # split by the setting
    )
    database = Database(settings)
    try:
        async with database.system_transaction() as session:
            created = await create_school(session, wanted=wanted)
            _, key = await create_key(session, school_id=created.id, name="Demo administrator")
    finally:
        await database.close()
    return key


async def push_school(console: Console, api: httpx.AsyncClient, users: int) -> None:
    """Push the directory as a platform would, in batches."""
    items = sample.make_school(users)
    with make_progress(console) as progress:
        task = progress.add_task("directory", total=sum(map(len, items.values())))
        for resource, records in items.items():
            for start in range(0, len(records), CHUNK):
                batch = records[start : start + CHUNK]
                answer = await api.put(f"/v1/directory/{resource}", json={"items": batch})
                answer.raise_for_status()
                progress.advance(task, len(batch))


async def send_campaign(api: httpx.AsyncClient) -> tuple[dict[str, Any], int]:
    """Preview the audience, then send to it; return the campaign and the recipients previewed."""
    audience = {"filter": {"kind": "active_users"}}
    preview = await api.post(
        "/v1/audiences/preview", json={"audience": audience, "message_type": "marketing"}
    )
    previewed: int = preview.raise_for_status().json()["recipients"]
    message = {
        "name": "Summer courses",
        "message_type": "marketing",
        "subject": sample.SUBJECT,
        "preheader": "Choose first until Friday",
        "html": sample.HTML,
        "audience": audience,
        "sent_by": {"id": "admin-1", "name": "Marta Ruiz"},
        "expected_recipients": previewed,
    }
    answer = await api.post("/v1/messages", json=message, headers={"Idempotency-Key": "demo-summer"})
    campaign: dict[str, Any] = answer.raise_for_status().json()
    return campaign, previewed


async def watch_campaign(console: Console, api: httpx.AsyncClient, campaign_id: str, total: int) -> None:
    """Show bars that follow the report until all mail is handed off and nothing is pending."""
    with make_progress(console) as progress:
        tasks = {name: progress.add_task(name, total=total) for name in BARS}
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                campaign = (await api.get(f"/v1/campaigns/{campaign_id}")).raise_for_status().json()
                for name, task in tasks.items():
                    progress.update(task, completed=campaign["stats"][name])
                if campaign["status"] == "sent" and not campaign["stats"]["pending"]:
                    return
                await asyncio.sleep(POLL_SECONDS)


async def settle_and_compare(
    api: httpx.AsyncClient, world: SimulatorClient, campaign_id: str, previewed: int
) -> list[Comparison]:
    """Wait until the simulated world has come to rest, then hold the report against its ledger."""
    await world.settle(PATIENCE_SECONDS)
    campaign = (await api.get(f"/v1/campaigns/{campaign_id}")).raise_for_status().json()
    ledger = await world.get_ledger(campaign_id)
    return compare_report(campaign["stats"], ledger.totals, previewed=previewed)


async def show_report(
    console: Console, api: httpx.AsyncClient, campaign_id: str, comparisons: list[Comparison]
) -> bool:
    """Print the report; return whether every number is right."""
    campaigns = (await api.get("/v1/campaigns")).raise_for_status().json()
    campaign = (await api.get(f"/v1/campaigns/{campaign_id}")).raise_for_status().json()
    recipients = await api.get(f"/v1/campaigns/{campaign_id}/recipients", params={"limit": 12})
    show_list(console, campaigns["items"])
    show_cards(console, campaign)
    show_recipients(console, recipients.raise_for_status().json()["items"])
    return show_comparison(console, comparisons)


def _show_urls(console: Console, stack: Stack, key: str, campaign_id: str) -> None:
    console.print(f"\nAPI          {stack.api_url}/docs")
    console.print(f"Report       {stack.api_url}/v1/campaigns/{campaign_id}")
    console.print(f"Mail sent    {stack.simulator_url}/_sim/mail?limit=3")
    console.print(f"API key      {key}", soft_wrap=True)
