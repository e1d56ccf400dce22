"""Any HTML: taking out what was put in gives back the author's bytes, and every link is found."""

from hypothesis import given
from hypothesis import strategies as st

from app.content.compile import compile_message
from app.content.frame import build_footer, build_pixel, build_preheader
from app.content.template import Part
from tests.content.builders import CLICK, FRAME, URLS, draft, faults_of, fill

TAGS = st.sampled_from(["a", "A", "area", "v:rect", "v:roundrect"])
SPACES = st.text(" \n\t", max_size=2)
PATHS = st.text("ab/?=&#é%", max_size=8)
NOISE = st.sampled_from(
    [
        "text\r\n", "é&nbsp;&amp;", "<br/>", "<p title='a > b'>", "</p >", "@media{a{b:c}}", "\\", "{ ", "}}",
        "< 3",
        "<!-- <a href='https://no.example'></body> -->", "<script>'<a href=\"https://no.example\"></body>'</script>",
        "<style>a{b:c}</style>", "<a href='mailto:x@no.example'>", '<a data-track=off href="https://no.example">',
        "<img alt=\"<a href='https://no.example'>\">", "<!--[if mso]><v:fill><![endif]-->", "<a href='#x'>",
        "</a>",
    ]
)  # fmt: skip


@st.composite
def links(draw: st.DrawFn) -> tuple[str, str]:
    """An opening tag with a destination, and that destination as written."""
    raw = (
        draw(st.sampled_from(["http://", "https://", "HTTPS://"]))
        + "x.example/"
        + draw(PATHS).replace("&", "&amp;")
    )
    tag, quote = draw(TAGS), draw(st.sampled_from(["'", '"', ""]))
    value = f"{quote}{draw(SPACES)}{raw}{draw(SPACES)}{quote}" if quote else f"{raw} "
    html = f"<{tag} class=b href{draw(SPACES)}={draw(SPACES)}{value}>"
    return (f"<!--[if mso]>{html}<![endif]-->" if draw(st.booleans()) else html), raw


PIECES = st.lists(links() | NOISE.map(lambda noise: (noise, "")), min_size=1, max_size=12)
BODIES = st.sampled_from(
    [("", ""), ("<!doctype html><html><head></head><body>", "</body></html>"), ("<body>", "")]
)


def written(parts: tuple[Part, ...]) -> str:
    """Give what is put in, as `URLS` fills it."""
    values = {
        "open_token": URLS.open_url_token,
        "unsubscribe_url": URLS.unsubscribe_url,
        "preferences_url": URLS.preferences_url,
    }
    return "".join(part if isinstance(part, str) else values[part.field.name] for part in parts)


@given(PIECES, BODIES)
def test_taking_out_what_was_put_in_gives_the_authors_bytes(
    pieces: list[tuple[str, str]], body: tuple[str, str]
) -> None:
    author = body[0] + "".join(html for html, _ in pieces) + body[1]
    originals = [raw for _, raw in pieces if raw]
    message = draft(author + " ", message_type="marketing", preheader="p", track_opens=True)
    compiled = compile_message(message, FRAME)
    result = fill(compiled).html
    for added in (
        written(build_preheader(["p"])),
        written(build_footer(FRAME, has_button=True)),
        written(build_pixel(FRAME)),
    ):
        assert result.count(added) == 1
        result = result.replace(added, "")
    assert len(compiled.links) == len(originals)
    for number in range(len(originals), 0, -1):
        assert result.count(f"{CLICK}/{number}") >= 1
        result = result.replace(f"{CLICK}/{number}", originals[number - 1], 1)
    assert result == author + " "


@given(st.text(st.sampled_from("<>/!-=\"' \n&;ahrefhttps:.{}\\[]if"), min_size=1, max_size=300))
def test_any_html_is_accepted_or_named_as_invalid(html: str) -> None:
    message = draft(html, track_clicks=False)
    faults = faults_of(message)
    if faults:
        assert all(
            "`{{`" in fault.detail or "field" in fault.detail or "empty" in fault.detail for fault in faults
        )
    else:
        assert fill(compile_message(message, FRAME)).html == html
