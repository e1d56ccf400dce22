"""A claimed batch becomes what the mail port sends: values, tokens, headers and tags for each recipient."""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.campaigns.models import Campaign
from app.content.compiled import CompiledMessage
from app.content.person import Person, RecipientUrls
from app.core.signing import Purpose, RecipientRef, Signer
from app.delivery.claiming import Addressee, Claim
from app.mail.types import OutgoingBatch, OutgoingEmail

MOST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Letter:
    """What all recipients of a campaign share."""

    compiled: CompiledMessage
    message_type: str
    from_name: str
    from_email: str
    reply_to: str | None


class Letters:
    """The letters lately sent, read from the database once each: a campaign's content never changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, Letter] = OrderedDict()

    async def read(self, connection: AsyncConnection, school_id: UUID, campaign_id: UUID) -> Letter:
        """Return the campaign's letter, and keep it."""
        letter = self._kept[campaign_id] = await _read_letter(connection, school_id, campaign_id)
        if len(self._kept) > MOST_LETTERS:
            self._kept.popitem(last=False)
        return letter

    def find(self, campaign_id: UUID) -> Letter | None:
        """Return the campaign's letter where it is kept."""
        letter = self._kept.get(campaign_id)
        if letter is not None:
            self._kept.move_to_end(campaign_id)
        return letter


async def _read_letter(connection: AsyncConnection, school_id: UUID, campaign_id: UUID) -> Letter:
    row = (
        await connection.execute(
            select(
                Campaign.compiled,
                Campaign.message_type,
                Campaign.from_name,
                Campaign.from_email,
                Campaign.reply_to,
            ).where(Campaign.school_id == school_id, Campaign.id == campaign_id)
        )
    ).one()
    return Letter(CompiledMessage.from_json(row[0]), *row[1:])


def compose_batch(letter: Letter, claim: Claim, *, signer: Signer, public_url: str) -> OutgoingBatch:
    """Make the one call's worth of mail."""
    tags = {"school_id": str(claim.school_id), "campaign_id": str(claim.campaign_id)}
    return OutgoingBatch(
        sender=letter.from_email,
        sender_name=letter.from_name,
        reply_to=letter.reply_to,
        subject=letter.compiled.subject,
        html=letter.compiled.html,
        text=letter.compiled.text,
        tenant=claim.tenant,
        emails=tuple(
            _compose_email(letter, claim, addressee, signer, public_url, tags)
            for addressee in claim.addressees
        ),
    )


def _compose_email(
    letter: Letter,
    claim: Claim,
    addressee: Addressee,
    signer: Signer,
    public_url: str,
    tags: dict[str, str],
) -> OutgoingEmail:
    ref = RecipientRef(claim.school_id, claim.campaign_id, addressee.number)
    unsubscribe_url = f"{public_url}/u/{signer.sign(Purpose.UNSUBSCRIBE, ref)}"
    urls = RecipientUrls(
        open_url_token=signer.sign(Purpose.OPEN, ref),
        click_token=signer.sign(Purpose.CLICK, ref),
        unsubscribe_url=unsubscribe_url,
        preferences_url=f"{unsubscribe_url}/preferences",
    )
    person = Person(
        addressee.first_name, addressee.last_name, addressee.email, claim.school_name, addressee.attributes
    )
    return OutgoingEmail(
        address=addressee.wire_address,
        values=letter.compiled.values(person, urls),
        headers=_make_headers(letter, unsubscribe_url),
        tags={**tags, "recipient_id": str(addressee.number)},
    )


def _make_headers(letter: Letter, unsubscribe_url: str) -> dict[str, str]:
    """One-click unsubscribing for all but operational mail (RFC 2369, RFC 8058 section 3.1)."""
    if letter.message_type == "operational":
        return {}
    return {
        "List-Unsubscribe": f"<{unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
