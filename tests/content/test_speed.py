"""Speed, with bounds generous enough for a busy machine: what must never become slow."""

import time
from collections.abc import Callable

import pytest

from app.content.compile import compile_message
from tests.content.builders import FRAME, URLS, draft, faults_of, person


def fastest(run: Callable[[], object], *, times: int) -> float:
    """Give the seconds of the fastest run: the machine's other work only ever adds."""

    def measure() -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return min(measure() for _ in range(times))


def test_a_large_message_compiles_at_once() -> None:
    row = '<tr><td><p>Dear {{ first_name }} &amp; all</p><a href="https://x.example/?{{ email }}">Go</a>'
    filler = f'<td style="{"color:#333333;" * 20}">some words of text</td>'
    html = (row + filler * 2) * 500
    html = f"<html><body><table>{html}{' ' * (380_000 - len(html))}</table></body></html>"
    message = draft(html, message_type="marketing", preheader="p", track_opens=True, text="x")
    assert len(compile_message(message, FRAME).links) == 500
    assert fastest(lambda: compile_message(message, FRAME), times=5) < 0.3


def test_values_cost_microseconds() -> None:
    message = draft(
        "{{ first_name }} {{ last_name }} {{ email }} {{ attributes.k }}",
        subject="{{ first_name }}",
        track_opens=True,
    )
    compiled = compile_message(message, FRAME)
    to = person(k=5)
    seconds = fastest(lambda: [compiled.values(to, URLS) for _ in range(1000)], times=10)
    assert seconds / 1000 < 50e-6


@pytest.mark.parametrize(
    "piece",
    ["<", "<a ", '<a href="', "<a x=", "<!--", "<!--[if mso]>", "<!-->", "<style>", "</", "<a='", "\\", "&",
     "<p hidden>", "<ol><li>", "<title></title ", "{{ a|'", "<a href='{{unsubscribe_url}}'>",
     "<!--{{unsubscribe_url}}-->"],
)  # fmt: skip
def test_broken_html_takes_linear_time(piece: str) -> None:
    message = draft(piece * (300_000 // len(piece)), message_type="newsletter")
    assert fastest(lambda: faults_of(message), times=1) < 5
