"""Links: every http(s) destination a mail client would follow, and nothing else."""

import pytest

from app.content.compile import compile_message
from app.content.compiled import destination_for
from tests.content.builders import CLICK, FRAME, draft, html_for, person

TRACKED = [
    ('<a href="https://x.example/1">x</a>', "https://x.example/1"),
    ("<a href='http://x.example/1'>x</a>", "http://x.example/1"),
    ("<a href=https://x.example/1>x</a>", "https://x.example/1"),
    ("<a class=b href=https://x.example/?a=b title=c>x</a>", "https://x.example/?a=b"),
    ('<A HREF="HTTPS://X.example/1">x</A>', "HTTPS://X.example/1"),
    ('<a\n href\t=\n"\n https://x.example/1 ">x</a>', "https://x.example/1"),
    ('<a href="https://x.example/\n1">x</a>', "https://x.example/1"),
    ('<a href="https://x.example/?a=1&amp;b=2">x</a>', "https://x.example/?a=1&b=2"),
    ('<a href="https://x.example/?a=&amp;amp;">x</a>', "https://x.example/?a=&amp;"),
    ('<a href="&#104;ttps://x.example/1">x</a>', "https://x.example/1"),
    ('<a href="&#32;https://x.example/1&#32;">x</a>', "https://x.example/1"),
    ('<a title="a > b" href="https://x.example/1">x</a>', "https://x.example/1"),
    ('<a title=\'"\' href="https://x.example/1">x</a>', "https://x.example/1"),
    ('<a title=it\'s href="https://x.example/1">x</a>', "https://x.example/1"),
    ('<a href="https://x.example/1"title="y">x</a>', "https://x.example/1"),
    ('<a/href="https://x.example/1">x</a>', "https://x.example/1"),
    ('<a disabled = href="https://x.example/1" href="https://x.example/2">x</a>', "https://x.example/2"),
    ('<a href="https://x.example/1" href="https://x.example/2">x</a>', "https://x.example/1"),
    ('<a data-track="on" href="https://x.example/1">x</a>', "https://x.example/1"),
    ('<area shape="rect" href="https://x.example/1">', "https://x.example/1"),
    ('<!--[if mso]><a href="https://x.example/1">x</a><![endif]-->', "https://x.example/1"),
    (
        '<!--[if mso]><v:roundrect href="https://x.example/1"></v:roundrect><![endif]-->',
        "https://x.example/1",
    ),
    ('<!--[if gte mso 9]><V:Shape HREF="https://x.example/1"/><![endif]-->', "https://x.example/1"),
    ('<!--[if !mso]><!--><a href="https://x.example/1">x</a><!--<![endif]-->', "https://x.example/1"),
    ('<![if !mso]><a href="https://x.example/1">x</a><![endif]>', "https://x.example/1"),
    ('<!--[if mso]><!--[if vml]><a href="https://x.example/1">x</a><![endif]-->', "https://x.example/1"),
    ('<!--><a href="https://x.example/1">x</a>', "https://x.example/1"),
    ('<!-- a --!><a href="https://x.example/1">x</a>', "https://x.example/1"),
    ('<style>a{}</STYLE ><a href="https://x.example/1">x</a>', "https://x.example/1"),
    ('1 < 2 <3 </> <?php > <a href="https://x.example/1">x</a>', "https://x.example/1"),
]

UNTRACKED = [
    '<a href="mailto:a@x.example">x</a>',
    '<a href="tel:+48123">x</a>',
    '<a href="sms:+48123">x</a>',
    '<a href="#top">x</a>',
    '<a href="">x</a>',
    "<a href>x</a>",
    "<a href=>x</a>",
    '<a href="www.x.example">x</a>',
    '<a href="//x.example/1">x</a>',
    '<a href="/path?u=https://x.example">x</a>',
    '<a href="https://">x</a>',
    '<a href="ftp://x.example">x</a>',
    '<a href="javascript:x">x</a>',
    '<a data-track="off" href="https://x.example/1">x</a>',
    "<a href='https://x.example/1' DATA-TRACK=' OFF '>x</a>",
    '<base href="https://x.example/">',
    '<link href="https://x.example/1">',
    '<img src="https://x.example/1.png" alt="">',
    '<a data-href="https://x.example/1">x</a>',
    '<abbr href="https://x.example/1">x</abbr>',
    '</a href="https://x.example/1">',
    '<!-- <a href="https://x.example/1">x</a> -->',
    '<!--[if mso]><!-- <a href="https://x.example/1">x</a> <![endif]-->',
    '<!-- unfinished <a href="https://x.example/1">x</a>',
    '<!doctype html "<a href=https://x.example/1>',
    "<script>'<a href=\"https://x.example/1\">'</script>",
    '<style><a href="https://x.example/1"></style>',
    '<textarea><a href="https://x.example/1">x</a></textarea>',
    '<title><a href="https://x.example/1">x</a></title>',
    '<script>unfinished <a href="https://x.example/1">x</a>',
    "<img alt='<a href=\"https://x.example/1\">'>",
    '<a title="unfinished <a href=https://x.example/1>x</a>',
    '<a href="https://x.example/1"',
    'https://x.example/1',
]  # fmt: skip


@pytest.mark.parametrize(("html", "destination"), TRACKED)
def test_a_link_is_tracked(html: str, destination: str) -> None:
    compiled = compile_message(draft(html), FRAME)
    (link,) = compiled.links
    assert (link.number, link.destination) == (1, destination)
    assert html_for(html).count(f"{CLICK}/1") == 1


@pytest.mark.parametrize("html", UNTRACKED)
def test_all_else_is_left_as_it_is(html: str) -> None:
    compiled = compile_message(draft(html), FRAME)
    assert compiled.links == ()
    assert compiled.html == html


def test_only_the_destination_changes() -> None:
    html = "<A  Title='a>b'\n HREF = ' https://x.example/1?a&amp;b ' >x</A\n><br/>\r\n&copy; <p>\x85"
    assert html_for(html) == html.replace("https://x.example/1?a&amp;b", f"{CLICK}/1")


def test_each_occurrence_has_its_own_number() -> None:
    compiled = compile_message(
        draft('<a href="https://x.example/">1</a><a href="https://x.example/">2</a>'), FRAME
    )
    assert [(link.number, link.destination) for link in compiled.links] == [
        (1, "https://x.example/"),
        (2, "https://x.example/"),
    ]


def test_nothing_is_tracked_when_the_author_says_so() -> None:
    html = '<a href="https://x.example/?n={{ first_name }}">x</a>'
    compiled = compile_message(draft(html, track_clicks=False), FRAME)
    assert compiled.links == ()
    assert "/c/" not in compiled.html


@pytest.mark.parametrize(
    ("href", "destination"),
    [
        ('"https://x.example/?n={{ first_name }}"', "https://x.example/?n=A%26%20B"),
        (
            "https://x.example/{{first_name}}/?a={{ email }}",
            "https://x.example/A%26%20B/?a=ada%2B1%40example.com",
        ),
        ('"https://x.example/?n={{ attributes.none | "x>y" }}&amp;z=1"', "https://x.example/?n=x%3Ey&z=1"),
        ("'https://x.example/?n={{ attributes.none | &quot;it's&quot; }}'", "https://x.example/?n=it%27s"),
        ('"https://x.example/?n={{ attributes.none }}"', "https://x.example/?n="),
        ('"https://{{ attributes.host }}/é b"', "https://hill.example/%C3%A9%20b"),
    ],
)
def test_destinations_are_filled_for_each_person(href: str, destination: str) -> None:
    compiled = compile_message(draft(f"<a href={href}>x</a>"), FRAME)
    (link,) = compiled.links
    assert destination_for(link, person("A& B", host="hill.example", none=" ")) == destination


def test_a_destination_cannot_break_a_header() -> None:
    compiled = compile_message(
        draft('<a href="https://x.example/&#13;&#10;Set-Cookie:{{ first_name }}">x</a>'), FRAME
    )
    destination = destination_for(compiled.links[0], person("a\r\nX: y"))
    assert destination == "https://x.example/Set-Cookie:a%0D%0AX%3A%20y"


@pytest.mark.parametrize("field", ["unsubscribe_url", "preferences_url"])
def test_the_recipients_own_pages_are_never_tracked(field: str) -> None:
    html = f'<a href="{{{{ {field} }}}}">x</a><a href="https://x.example/?to={{{{ {field} }}}}">y</a>'
    compiled = compile_message(draft(html, message_type="marketing"), FRAME)
    assert compiled.links == ()
