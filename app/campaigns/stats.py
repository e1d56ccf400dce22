"""The numbers of a campaign as the API answers them."""

from collections.abc import Mapping

from pydantic import Field, JsonValue

from app.audience.schemas import EXCLUDED
from app.core.schema import View, exemplify


class Stats(View):
    """What the facts add up to.

    `recipients` = `queued` + `sending` + `unknown` + `sent` + those that failed before acceptance;
    `sent` = `delivered` + `bounced` + `pending` + those that failed after it. Rates are fractions rounded to
    four places, null over zero.
    """

    model_config = exemplify(
        recipients=120,
        excluded=EXCLUDED,
        queued=0,
        sending=0,
        sent=119,
        sent_rate=0.9917,
        delivered=115,
        bounced=2,
        bounced_permanent=1,
        bounced_soft=1,
        complained=1,
        failed=1,
        unknown=0,
        pending=2,
        opened=80,
        opened_by_click=4,
        open_rate=0.6957,
        clicked=31,
        click_rate=0.2696,
        opens=112,
        clicks=40,
        machine_opened=22,
        machine_clicked=3,
        unsubscribed=1,
    )

    recipients: int = Field(0, description="People the campaign is for.")
    excluded: Mapping[str, int] = Field(description="People left out: how many for each reason.")
    queued: int = Field(0, description="Not yet handed to SES.")
    sending: int = Field(0, description="In a call to SES right now.")
    sent: int = Field(0, description="Mails that SES took.")
    sent_rate: float | None = Field(None, description="`sent` of `recipients`.")
    delivered: int = Field(0, description="Taken by the recipient's mail server.")
    bounced: int = Field(0, description="Permanent and soft bounces.")
    bounced_permanent: int = 0
    bounced_soft: int = 0
    complained: int = Field(0, description="Marked as spam; they count as delivered too.")
    failed: int = Field(0, description="Refused by SES.")
    unknown: int = Field(0, description="Handed over, and neither proved nor disproved yet.")
    pending: int = Field(0, description="Taken by SES, and nothing heard since.")
    opened: int = Field(0, description="People who opened the mail, or followed a link.")
    opened_by_click: int = Field(0, description="Those of them who loaded no image.")
    open_rate: float | None = Field(None, description="`opened` of `delivered`.")
    clicked: int = Field(0, description="People who followed a link.")
    click_rate: float | None = Field(None, description="`clicked` of `delivered`.")
    opens: int = Field(0, description="How often people loaded the images.")
    clicks: int = Field(0, description="How often people followed a link.")
    machine_opened: int = Field(0, description="Recipients whose images a machine loaded.")
    machine_clicked: int = Field(0, description="Recipients whose links a machine followed.")
    unsubscribed: int = Field(0, description="People who unsubscribed from this campaign.")


SILENT: dict[str, JsonValue] = {
    name: None if name.endswith("_rate") else 0
    for name in Stats.model_fields
    if name not in {"recipients", "excluded"}
}
"""The figures of the example before anything is sent."""
