"""Test messages: a draft sent now to a few addresses, marked as a test; no campaign, no recipients."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database
from app.directory.addresses import hash_address, read_address
from app.directory.models import Suppression
from app.drafts.mailer import Mailer
from app.drafts.schemas import MessageTest, TestReport, TestResult
from app.drafts.showing import Showing, show_draft
from app.feedback.apply import TEST_TAGS
from app.mail.reasons import describe
from app.mail.types import Outcome, OutcomeKind, SingleEmail
from app.schools.audit.record import record
from app.schools.caller import Caller

SUBJECT_PREFIX = "[Test] "
_SUPPRESSED = "Not sent: the address is on the school's suppression list."
_SENTENCES: Mapping[OutcomeKind, str] = {
    OutcomeKind.RETRY: "Not sent: nothing can be handed to Amazon SES just now; try again in a moment.",
    OutcomeKind.QUOTA: "Not sent: the account's daily quota is used up.",
    OutcomeKind.UNKNOWN: "Perhaps sent: Amazon SES did not answer. Look into the mailbox first.",
}
"""What is said where SES's own words would not tell an author more."""


async def send_test(
    database: Database,
    mailer: Mailer,
    *,
    caller: Caller,
    message: MessageTest,
    public_url: str,
) -> TestReport:
    """Send the message now to each address once; return what became of each. No transaction spans a call.

    Raise InvalidInput for what sending would refuse. What SES refuses or cannot do is told, never raised.
    """
    school_id = caller.school_id
    async with database.tenant_transaction(school_id) as session:
        showing = await show_draft(session, school_id=school_id, draft=message, public_url=public_url)
        by_key = _list_once(message.to, showing.school.address_secret)
        suppressed = await _find_suppressed(session, school_id=school_id, address_keys=by_key)
        details = {"addresses": len(by_key) - len(suppressed)}
        record(session, "send.test", school_id=school_id, kind="test", actor=caller.actor, details=details)
    mailed = {key: address for key, address in by_key.items() if key not in suppressed}
    emails = [_make_email(showing, message, address) for address in mailed.values()]
    outcomes = dict(zip(mailed, await mailer.send(emails) if emails else (), strict=True))
    return TestReport(results=[_tell(address, outcomes.get(key)) for key, address in by_key.items()])


def _list_once(addresses: Iterable[str], secret: bytes) -> dict[bytes, str]:
    """Return each address once, as first written, by its hash."""
    once: dict[bytes, str] = {}
    for address in addresses:
        once.setdefault(hash_address(secret, address), address)
    return once


async def _find_suppressed(
    session: AsyncSession, *, school_id: UUID, address_keys: Iterable[bytes]
) -> set[bytes]:
    query = select(Suppression.address_key).where(
        Suppression.school_id == school_id, Suppression.address_key.in_(address_keys)
    )
    return set(await session.scalars(query))


def _make_email(showing: Showing, message: MessageTest, address: str) -> SingleEmail:
    """Make the email, without List-Unsubscribe: there is nobody whom it could unsubscribe."""
    return SingleEmail(
        sender=showing.school.from_email,
        sender_name=message.from_name or showing.school.from_name,
        reply_to=message.reply_to or showing.school.reply_to,
        address=read_address(address).wire or address,
        subject=SUBJECT_PREFIX + showing.rendered.subject,
        html=showing.rendered.html,
        text=showing.rendered.text,
        tags=TEST_TAGS,
        tenant=showing.school.ses_tenant,
    )


def _tell(address: str, outcome: Outcome | None) -> TestResult:
    if outcome is None:
        return TestResult(address=address, sent=False, message_id=None, detail=_SUPPRESSED)
    sent = outcome.kind is OutcomeKind.SENT
    detail = None if sent else _explain(outcome)
    return TestResult(address=address, sent=sent, message_id=outcome.message_id, detail=detail)


def _explain(outcome: Outcome) -> str:
    if sentence := _SENTENCES.get(outcome.kind):
        return sentence
    words = outcome.detail or describe(outcome.code)
    # SES's words may hold half of a surrogate pair, which no JSON can.
    return f"Not sent: {words}".encode("utf-8", "replace").decode()
