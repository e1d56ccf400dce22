"""A platform's integration, on nothing but the generated client: one campaign from the users to the report.

It takes the API's URL and a key as arguments, and prints what it found as JSON.
"""

import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar
from uuid import UUID

from campaigns_client import AuthenticatedClient
from campaigns_client.api.audiences import preview_audience
from campaigns_client.api.directory import patch_preferences, sync_groups, sync_memberships
from campaigns_client.api.imports import import_records
from campaigns_client.api.messages import send_message
from campaigns_client.api.reports import (
    export_recipients,
    get_campaign,
    list_exclusions,
    list_links,
    list_recipients,
)
from campaigns_client.api.suppressions import add_suppressions
from campaigns_client.models import (
    Audience,
    AudiencePreview,
    CampaignDetail,
    CampaignStatus,
    CampaignView,
    GroupBatch,
    GroupItem,
    ImportResource,
    InGroup,
    MembershipBatch,
    MembershipItem,
    MessageCreate,
    MessageType,
    PreferencesPatch,
    PreviewRequest,
    Problem,
    RecipientSort,
    RecipientView,
    Sender,
    SuppressionBatch,
    SuppressionItem,
    UserItem,
    Wish,
)
from campaigns_client.types import File

USERS = 40
PATIENCE_SECONDS = 30.0
AUDIENCE = Audience(filter_=InGroup(kind="group", group="choir-parents"))
HTML = '<p>Dear {{ first_name }}, <a href="https://riverside.example/choir">choir</a> begins on Monday.</p>'
Answer = TypeVar("Answer")


def take(answer: Answer | Problem | None) -> Answer:
    """Return what was asked for; stop at a problem."""
    if answer is None or isinstance(answer, Problem):
        raise SystemExit(f"refused: {answer}")
    return answer


def expect_problem(answer: object) -> Problem:
    """Return the problem that had to come."""
    if not isinstance(answer, Problem):
        raise SystemExit(f"not refused: {answer}")
    return answer


def push_people(client: AuthenticatedClient) -> int:
    """Send the users as a file, then their group; return how many were stored."""
    users = [
        UserItem(external_id=f"u-{n}", email=f"parent{n}@riverside.example", first_name=f"Parent {n}")
        for n in range(1, USERS + 1)
    ]
    lines = "".join(json.dumps(each.to_dict()) + "\n" for each in users)
    file = File(payload=io.BytesIO(lines.encode()))
    stored = take(import_records.sync(client=client, body=file, resource=ImportResource.USERS))
    group = GroupItem(external_id="choir-parents", name="Choir parents")
    take(sync_groups.sync(client=client, body=GroupBatch(items=[group])))
    members = [
        MembershipItem(external_id=f"m-{n}", group="choir-parents", user=f"u-{n}")
        for n in range(1, USERS + 1)
    ]
    take(sync_memberships.sync(client=client, body=MembershipBatch(items=members)))
    rows: int = stored.rows_stored
    return rows


def leave_out_two(client: AuthenticatedClient) -> None:
    """Let one parent unsubscribe, and suppress the address of another."""
    patch = PreferencesPatch(newsletter=Wish.UNSUBSCRIBED)
    take(patch_preferences.sync("u-1", client=client, body=patch))
    batch = SuppressionBatch(items=[SuppressionItem(address="parent2@riverside.example")])
    take(add_suppressions.sync(client=client, body=batch))


def preview(client: AuthenticatedClient) -> AudiencePreview:
    """Count the audience."""
    request = PreviewRequest(audience=AUDIENCE, message_type=MessageType.NEWSLETTER)
    return take(preview_audience.sync(client=client, body=request))


def send(client: AuthenticatedClient, html: str = HTML, *, expected: int) -> CampaignView | Problem | None:
    """Send the newsletter; the same content is the same campaign, however often it is sent."""
    message = MessageCreate(
        message_type=MessageType.NEWSLETTER,
        subject="Choir begins again",
        html=html,
        audience=AUDIENCE,
        expected_recipients=expected,
        sent_by=Sender(id="t-1", name="Marta Ruiz"),
    )
    return send_message.sync(client=client, body=message, idempotency_key=f"choir-{len(html)}-{expected}")


def wait_until_sent(client: AuthenticatedClient, campaign_id: UUID) -> CampaignDetail:
    """Wait until all mail is handed over, and all of it is heard of."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        campaign = take(get_campaign.sync(campaign_id, client=client))
        if campaign.status is CampaignStatus.SENT and not campaign.stats.pending:
            return campaign
        time.sleep(0.05)
    raise SystemExit("not sent in time")


def read_recipients(client: AuthenticatedClient, campaign_id: UUID) -> Iterator[RecipientView]:
    """Read every page of the recipients, by address."""
    cursor: str | None = None
    while True:
        page = take(
            list_recipients.sync(
                campaign_id, client=client, limit=15, sort=RecipientSort.EMAIL, cursor=cursor
            )
        )
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def report(client: AuthenticatedClient, campaign_id: UUID) -> dict[str, object]:
    """Read all that the report says."""
    campaign = wait_until_sent(client, campaign_id)
    recipients = list(read_recipients(client, campaign_id))
    excluded = take(list_exclusions.sync(campaign_id, client=client)).items
    file = export_recipients.sync_detailed(campaign_id, client=client)
    return {
        "status": campaign.status.value,
        "stats": campaign.stats.to_dict(),
        "sent_at": campaign.sent_at.isoformat() if campaign.sent_at else None,
        "statuses": Counter(each.delivery_status.value for each in recipients),
        "emails": [each.email for each in recipients],
        "excluded": {str(each.user): each.reason.value for each in excluded},
        "links": [each.url for each in take(list_links.sync(campaign_id, client=client)).items],
        "rows_of_file": len(file.content.splitlines()) - 1,
    }


def be_refused(client: AuthenticatedClient, stranger: AuthenticatedClient, recipients: int) -> list[object]:
    """Do what is refused, each in its own way; return the problems."""
    problems = [
        expect_problem(send(client, "<p>{{ nickname }}</p>", expected=recipients)),
        expect_problem(send(client, expected=recipients * 2)),
        expect_problem(get_campaign.sync(UUID(int=0), client=client)),
        expect_problem(
            preview_audience.sync(client=stranger, body=PreviewRequest(AUDIENCE, MessageType.MARKETING))
        ),
    ]
    return [[each.status, each.type_, [fault.pointer for fault in each.errors]] for each in problems]


def main(url: str, key: str) -> None:
    """Run the whole campaign."""
    with AuthenticatedClient(base_url=url, token=key, timeout=None) as client:
        stored = push_people(client)
        leave_out_two(client)
        previewed = preview(client)
        campaign = take(send(client, expected=previewed.recipients))
        again = take(send(client, expected=previewed.recipients))
        found = {
            "stored": stored,
            "previewed": previewed.to_dict(),
            "campaign": str(campaign.id),
            "same_campaign": again.id == campaign.id,
            "report": report(client, campaign.id),
            "problems": be_refused(
                client, AuthenticatedClient(base_url=url, token="ck_none"), previewed.recipients
            ),
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
