"""The filter on an earlier campaign: it needs tables of this floor, so it is registered from here."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal, cast
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, Select, or_, select

from app.audience.base import Filter
from app.audience.narrowing import Column
from app.audience.scope import Scope
from app.campaigns.models import Campaign
from app.recipients.models import Recipient, RecipientOutcome

Outcome = Literal["any", "opened", "not_opened", "clicked", "not_clicked", "failed"]


class EarlierCampaign(Filter):
    """Recipients of an earlier campaign with this outcome.

    `any` is everyone it was addressed to. Opens and clicks are people's, not machines', and a click implies
    an open. `not_opened` and `not_clicked` are those whom the mail has reached, as far as is known; `failed`
    those whom it has not: bounced, for good or for now, or refused.
    """

    repeats: ClassVar[bool] = False

    kind: Literal["campaign"]
    campaign: Annotated[UUID, Field(description="Its id.")]
    outcome: Annotated[Outcome, Field(description="What became of their mail in it.")] = "any"

    def users(self, scope: Scope) -> Select[str]:
        """Return those of its recipients who are users still: erasure takes the name out."""
        table = Recipient if self.outcome == "any" else RecipientOutcome
        users = select(table.user).where(
            table.school_id == scope.school_id,
            table.campaign_id == self.campaign,
            table.user.is_not(None),
            *_CONDITIONS.get(self.outcome, ()),
        )
        return cast(Select[str], users)

    def references(self) -> Mapping[str, tuple[Column, object]]:
        """Name the campaign."""
        return {"campaign": (Campaign.id, self.campaign)}


_HAS_CLICKED: Final = RecipientOutcome.click_count > 0
_HAS_OPENED: Final = or_(RecipientOutcome.open_count > 0, _HAS_CLICKED)
_WAS_REACHED: Final = RecipientOutcome.status.in_(("accepted", "delivered", "complained"))

_CONDITIONS: Final[Mapping[Outcome, Sequence[ColumnElement[bool]]]] = {
    "opened": (_HAS_OPENED,),
    "not_opened": (_WAS_REACHED, ~_HAS_OPENED),
    "clicked": (_HAS_CLICKED,),
    "not_clicked": (_WAS_REACHED, ~_HAS_CLICKED),
    "failed": (RecipientOutcome.status.in_(("soft_bounced", "bounced", "failed")),),
}
