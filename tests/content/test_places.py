"""Escaping: a value stays a value wherever it lands."""

import html
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content.places import (
    encode_html,
    encode_link,
    encode_subject,
    encode_text,
    encode_unquoted,
    encode_url,
    normalise_url,
)

BREAKS = "\r\n\x00\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("character", BREAKS)
def test_text_has_no_line_breaks(character: str) -> None:
    assert encode_text(f"Ada{character}Bcc: x@example.com") == "AdaBcc: x@example.com"


@given(st.text(st.characters(codec="utf-8")))
def test_text_is_one_line(value: str) -> None:
    assert len(encode_text(value).splitlines()) <= 1


@given(st.text("=?q-8 \r\néb"), st.text("=?q-8 \r\néb"))
def test_no_value_is_an_encoded_word(first: str, second: str) -> None:
    for value in (first, f"=?utf-8?q?{first}?=", f"{first}=?utf-8?b?{second}?="):
        written = encode_subject(value)
        assert "=?" not in written
        assert "?=" not in written
        assert written.replace(" ", "") == encode_text(value).replace(" ", "")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_html_reads_back_as_the_value(value: str) -> None:
    for encode in (encode_html, encode_unquoted):
        assert html.unescape(encode(value)) == value
        assert not set(encode(value)) & set("<>\"'")
    assert not set(encode_unquoted(value)) & set(" \t\n\r\f=`")


@given(st.text(st.characters(codec="utf-8")))
def test_links_read_back_as_the_value(value: str) -> None:
    encoded = encode_link(value)
    assert unquote(encoded) == value
    assert encoded.isascii()
    assert not set(encoded) & set(":/?#[]@!$&'()*+,;= \"<>")


@pytest.mark.parametrize("encode", [encode_text, encode_html, encode_unquoted, encode_link, encode_url])
def test_lone_surrogates_do_not_pass(encode: object) -> None:
    assert callable(encode)
    assert encode("a\ud800 b").encode()


def test_html_keeps_line_ends_but_no_control_characters() -> None:
    assert encode_html("a\r\n\tb\x00\x0c") == "a\r\n\tb"
    assert encode_unquoted("a\nb") == "a&#10;b"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("https://x.example/a-b?c=d", "https://x.example/a-b?c=d"),
        (" https://x.example/?a=1&b=%20 ", "https://x.example/?a=1&amp;b=%20"),
        ('https://x.example/"><script>', "https://x.example/%22%3E%3Cscript%3E"),
        ("MAILTO:a@b.example", "MAILTO:a@b.example"),
        ("/relative path", "/relative%20path"),
        ("javascript:alert(1)", ""),
        ("  JavaScript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("vbscript:x", ""),
    ],
)
def test_a_whole_url_stays_a_url_unless_it_could_run(value: str, written: str) -> None:
    assert encode_url(value) == written


def test_urls_are_normalised_once_and_for_all() -> None:
    url = normalise_url('https://x.example/zażółć a?b="c"&d=%41#é')
    assert url == "https://x.example/za%C5%BC%C3%B3%C5%82%C4%87%20a?b=%22c%22&d=%41#%C3%A9"
    assert normalise_url(url) == url
