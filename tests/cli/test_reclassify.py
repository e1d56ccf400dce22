"""`campaigns reclassify` as an operator runs it: history, rows and counters follow today's rules."""

import pytest

from app.core.config import Settings
from app.core.db import Database
from app.recipients.facts import FactKind
from tests.cli.commands import call, make_environment, read_complaint
from tests.recipients.campaign import event_key, make_campaign


async def test_what_an_older_release_took_for_people_is_told_from_them(
    settings: Settings, database: Database
) -> None:
    campaign = await make_campaign(database, recipients=2, links=2)
    for number, agent in ((1, "curl/8.5.0"), (2, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")):
        key = event_key(number)
        await campaign.record(
            campaign.fact(FactKind.CLICKED, number=number, at=5, key=key, agent=agent, link=1)
        )
    environment = make_environment(settings)
    for changed in (1, 0):
        ended = call("reclassify", "--campaign", str(campaign.id), environment=environment)
        assert (ended.returncode, ended.stdout) == (0, f"2 recipients looked at, {changed} changed.\n")
    assert [event["machine"] for event in await campaign.history()] == ["known_agent", None]
    counters = await campaign.counters()
    assert (counters["clicks"], counters["clicked"], counters["machine_clicked"]) == (1, 1, 1)
    await campaign.check_counters()
    later = call(
        "reclassify", "--school", str(campaign.school_id), "--since", "2999-01-01", environment=environment
    )
    assert later.stdout == "0 recipients looked at, 0 changed.\n"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--campaign", "x", "'x' is not an id"), ("--since", "soon", "'soon' is not a day or an instant")],
)
def test_what_is_no_choice_is_one_line(settings: Settings, option: str, value: str, words: str) -> None:
    assert words in read_complaint("reclassify", option, value, environment=make_environment(settings))
