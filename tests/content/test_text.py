"""The text part: the author's own, or a readable one made from the HTML."""

import pytest

from app.content.compile import compile_message
from tests.content.builders import FRAME, URLS, draft, fill, person, text_for


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>Title</h1><p>One\n  two</p><p>Three&nbsp;&amp; four</p>", "Title\n\nOne two\n\nThree & four"),
        ("One<br>two<div>three</div>four", "One\ntwo\nthree\nfour"),
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol>", "1. a\n\n- b\n\n2. c"),
        ("<li>a</ul></ol>", "- a"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>", "a b\n\nc"),
        ('<a href="https://x.example/?a=1&amp;b=2">Label</a>', "Label (https://x.example/?a=1&b=2)"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ('<a href="https://x.example/a b"><img alt=""></a>', "https://x.example/a%20b"),
        ('<a href="https://x.example"><img alt="Logo"></a>', "Logo (https://x.example)"),
        ('<a href="https://x.example"><p>Label</p></a>after', "Label (https://x.example)\n\nafter"),
        ('<a href="https://x.example">one<a href="https://y.example">two</a>',
         "one (https://x.example)two (https://y.example)"),
        ('<a href="https://x.example">open', "open (https://x.example)"),
        ('<a href="mailto:a@x.example">Write</a> <a href="#top">up</a> <a name="top">x</a>', "Write up x"),
        ('<img alt="A picture"><img src="x">', "A picture"),
        ("<head><title>T</title><style>p{}</style></head><script>x</script>a<!-- b -->c", "ac"),
        ("<!--[if mso]>outlook<![endif]--><!--[if !mso]><!-->others<!--<![endif]-->", "others"),
        ('<div style="color:red;DISPLAY : none">x<div>y</div>z</div>a', "a"),
        ("<div style='display:none'><b>x</b><!-- y --></div>a", "a"),
        ("<p hidden>x</p>a", "a"),
        ('<img style="display:none" alt="x">a', "a"),
        ('<p class="none hidden">a</p>', "a"),
        ("1 < 2 &lt;b&gt;", "1 < 2 <b>"),
        ("<p>unfinished <a href='x", "unfinished"),
    ],
)  # fmt: skip
def test_html_becomes_readable_text(html: str, text: str) -> None:
    assert text_for(html) == text


def test_merge_fields_stay_merge_fields() -> None:
    html = (
        "<p>Dear {{ first_name | 'reader' }}{{ last_name }},</p>"
        '<img alt="for {{ first_name }}"> <a href="https://x.example/?n={{ first_name }}">go {{ email }}</a>'
        '<a href="{{ preferences_url }}">choose</a> &#xe000;'
    )
    assert text_for(html, person("A & B", "")) == (
        "Dear A & B,\n\n"
        "for A & B go ada+1@example.com (https://x.example/?n=A%20%26%20B)"
        f"choose ({URLS.preferences_url}) \ue000"
    )


def test_the_authors_text_is_kept_and_its_links_are_plain() -> None:
    text = "Hi {{ first_name }}\n\n  https://x.example/?n={{ first_name }}&m={{email}} {{ first_name }} &amp;"
    message = compile_message(draft('<a href="https://x.example">x</a>', text=text), FRAME)
    assert fill(message, person("A & B")).text == (
        "Hi A & B\n\n  https://x.example/?n=A%20%26%20B&m=ada%2B1%40example.com A & B &amp;"
    )


def test_blank_text_is_made_from_the_html() -> None:
    assert fill(compile_message(draft("<b>x</b>", text=" \n"), FRAME)).text == "x"


def test_the_preheader_is_not_in_the_text() -> None:
    assert compile_message(draft("x", preheader="hidden"), FRAME).text == "x"
