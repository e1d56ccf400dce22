"""Machines and people, told apart by what their requests say; agents as they are seen in the wild."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tracking.machine import judge_request

GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0"
PEOPLE = [
    MAC,
    f"{MAC} Version/18.5 Safari/605.1.15",
    f"{IPHONE} Mobile/15E148",
    f"{IPHONE} Version/18.5 Mobile/15E148 Safari/604.1",
    f"{IPHONE} GSA/322.0.643 Mobile/15E148 Safari/604.1",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Trident/7.0; Outlook 16.0.5266; ms-office)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/137.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.10.0",
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 11; CUBOT X30) {CHROME} Mobile Safari/537.36",
]
MACHINES = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 (compatible; proofpoint; +https://www.proofpoint.com)",
    "Barracuda Sentinel (EE)",
    "Mimecast/1.0 (URL Protect)",
    "Mozilla/5.0 (compatible; Symantec Email Security.cloud link scanner)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.23.20.0",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/124.0.0.0",
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.32.3",
    "Python/3.12 aiohttp/3.11.0",
    "Go-http-client/2.0",
    "Java/17.0.8",
    "okhttp/4.12.0",
]


@pytest.mark.parametrize("agent", PEOPLE)
@pytest.mark.parametrize("opens", [True, False])
def test_mail_programs_and_browsers_are_people(agent: str, opens: bool) -> None:
    assert judge_request(method="GET", user_agent=agent, opens=opens) is None


@pytest.mark.parametrize("agent", MACHINES)
@pytest.mark.parametrize("opens", [True, False])
def test_scanners_bots_and_programs_are_machines(agent: str, opens: bool) -> None:
    assert judge_request(method="GET", user_agent=agent, opens=opens) == "known_agent"
    assert judge_request(method="GET", user_agent=agent.upper(), opens=opens) == "known_agent"


@pytest.mark.parametrize("agent", [GMAIL, YAHOO])
def test_proxies_that_load_when_a_person_looks_are_that_person(agent: str) -> None:
    assert judge_request(method="GET", user_agent=agent, opens=True) is None


@pytest.mark.parametrize("agent", ["Mozilla/5.0", " Mozilla/5.0 "])
def test_the_bare_name_of_apples_prefetching_is_a_machine(agent: str) -> None:
    assert judge_request(method="GET", user_agent=agent, opens=True) == "prefetch"
    assert judge_request(method="GET", user_agent=agent, opens=False) == "bare_agent"


@pytest.mark.parametrize("agent", ["", "  "])
def test_who_does_not_say_who_it_is_is_a_machine(agent: str) -> None:
    assert judge_request(method="GET", user_agent=agent, opens=True) == "no_agent"


@pytest.mark.parametrize("agent", [*PEOPLE, GMAIL, ""])
def test_only_machines_ask_for_the_head_alone(agent: str) -> None:
    assert judge_request(method="HEAD", user_agent=agent, opens=True) == "head"
    assert judge_request(method="HEAD", user_agent=agent, opens=False) == "head"


@given(st.text(max_size=200), st.booleans())
def test_any_agent_is_judged(agent: str, opens: bool) -> None:
    assert judge_request(method="GET", user_agent=agent, opens=opens) in {
        None, "no_agent", "prefetch", "bare_agent", "known_agent",
    }  # fmt: skip
