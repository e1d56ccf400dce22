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
SLOWEST_RATE = 500
"""Recipients a second that even a busy machine reaches: what the patience grows by."""
POLL_SECONDS = 0.2
INTERRUPTED = 130
"""The shell's code for a command ended by Ctrl-C."""
SCHOOL = SchoolCreate(
    name="Riverside School",
    timezone="Europe/Madrid",
    from_name="Riverside School",
    from_email="news@riverside.example",
    postal_address="1 River Street\n41001 Sevilla, Spain",
)

GUARD_MINIMUM = 1_000_000


def run_demo(*, once: bool, recipients: int, port: int | None) -> int:
    """Run the demo; return the exit code: 0 when the report is right, 1 when a number of it is not.

    Raises StackError when something does not come up, or the story does not come to its end.
    """
    console = Console()
    if port is not None and find_free_port(port) != port:
        raise StackError(f"Port {port} of 127.0.0.1 is taken: choose another with --port.")
    stack = Stack(api_port=port or find_free_port(8000), durable=False)
    # A terminal's Ctrl-C reaches this process alone; everything it started is stopped in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with console.status("Starting PostgreSQL, Redis, the simulator, the API and a worker…"):
            stack.__enter__()
        return asyncio.run(_tell(console, stack, once=once, recipients=recipients))
    except KeyboardInterrupt:
        return INTERRUPTED if once else 0
    except (httpx.HTTPError, TimeoutError) as error:
        raise StackError(f"The story was cut short: {type(error).__name__} {error}".rstrip()) from error
    finally:
        # A second Ctrl-C must not leave half of it running.
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
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
        await watch_campaign(console, api, world, campaign["id"], previewed)
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
        secret_keys=stack.environment["CAMPAIGNS_SECRET_KEYS"],
    )
    database = Database(settings)
    try:
        async with database.system_transaction() as session:
            created = await create_school(session, wanted=wanted)
            # The story's few people complain more than SES would stand: the guard would pause it half-way.
            created.guard_minimum = GUARD_MINIMUM
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


async def watch_campaign(
    console: Console, api: httpx.AsyncClient, world: SimulatorClient, campaign_id: str, total: int
) -> None:
    """Show bars that follow the report until all mail is handed off and the people have reacted to it."""
    with make_progress(console) as progress:
        tasks = {name: progress.add_task(name, total=total) for name in BARS}
        async with asyncio.timeout(PATIENCE_SECONDS + total / SLOWEST_RATE):
            settled = False
            while True:
                campaign = (await api.get(f"/v1/campaigns/{campaign_id}")).raise_for_status().json()
                for name, task in tasks.items():
                    progress.update(task, completed=campaign["stats"][name])
                if settled:
                    return
                is_over = campaign["status"] == "sent" and not campaign["stats"]["pending"]
                settled = is_over and (await world.settle(POLL_SECONDS)).settled
                await asyncio.sleep(0 if is_over else POLL_SECONDS)


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
    """Print where to look; long lines are left whole, so that they can be copied."""
    report = f"{stack.api_url}/v1/campaigns/{campaign_id}"
    console.print()
    for name, value in (
        ("API", f"{stack.api_url}/docs"),
        ("Report", report),
        ("Recipients", f"{report}/recipients"),
        ("Mail sent", f"{stack.simulator_url}/_sim/mail?limit=3"),
        ("API key", key),
        ("Try", f'curl -H "Authorization: Bearer {key}" {report}'),
    ):
        console.print(f"{name:<12} {value}", soft_wrap=True, markup=False, highlight=False)
