"""Addresses on the wire: ASCII, punycode, and no header injected through a name."""

from email import message_from_string
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import UnsendableAddress, encode_address, format_mailbox, read_address


@pytest.mark.parametrize(
    ("address", "encoded"),
    [
        ("ann@school.test", "ann@school.test"),
        ("Ann.O'Neil+tag@School.Test", "Ann.O'Neil+tag@School.Test"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@例え.jp", "ann@xn--r8jz45g.jp"),
        ("ann@mail_host.test", "ann@mail_host.test"),
    ],
)
def test_domains_become_punycode(address: str, encoded: str) -> None:
    assert encode_address(address) == encoded


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@school.test",
        "ann@",
        "änn@school.test",
        "ann@school..test",
        "ann@-school.test",
        "ann@school.test,eve@evil.test",
        "ann,eve@school.test",
        "ann@evil.test@school.test",
        '"ann eve"@school.test',
        "Ann <ann@school.test>",
        "ann@school.test\r\nBcc: eve@evil.test",
        "ann\0@school.test",
        "ann@school.test ",
        "ann@[127.0.0.1]",
        "ann@xn--\ud800.test",
        f"ann@{'a' * 64}.test",
        f"ann@{'a.' * 127}test",
        f"{'a' * 65}@school.test",
    ],
)
def test_what_ses_would_refuse_or_misread_is_unsendable(address: str) -> None:
    with pytest.raises(UnsendableAddress):
        encode_address(address)


@given(st.text())
def test_any_text_is_encoded_to_ascii_or_refused(text: str) -> None:
    try:
        encoded = encode_address(f"ann@{text}")
    except UnsendableAddress:
        return
    assert encoded.isascii()
    assert encoded.isprintable()
    assert encoded.count("@") == 1


def test_a_plain_name_is_quoted() -> None:
    assert format_mailbox('Dr. "Ann", PhD', "a@x.test") == '"Dr. \\"Ann\\", PhD" <a@x.test>'


def test_without_a_name_the_address_stands_alone() -> None:
    assert format_mailbox(" \r\n", "a@bücher.example") == "a@xn--bcher-kva.example"


@pytest.mark.parametrize(
    "name", ["=?utf-8?q?School=0D=0ABcc:_eve?=", "School =?utf-8?b?eA==?= of Music", "Who=?"]
)
def test_an_encoded_word_in_a_name_reads_as_it_was_typed(name: str) -> None:
    words = format_mailbox(name, "a@x.test").removesuffix(" <a@x.test>")
    assert str(make_header(decode_header(words))) == name


@given(st.text(min_size=1, max_size=120))
def test_any_name_reads_back_as_one_mailbox(name: str) -> None:
    mailbox = format_mailbox(name, "a@x.test")
    assert mailbox.isascii()
    assert mailbox.isprintable()
    parsed = message_from_string(f"From: {mailbox}\n\n")
    assert set(parsed.keys()) == {"From"}
    assert parseaddr(mailbox)[1] == "a@x.test"


def test_names_outside_ascii_are_rfc_2047_words_of_at_most_75_characters() -> None:
    name = "Musikschule Übermäßig Großer Straßenöffnungen für Kinder — 音楽学校 🎻"
    mailbox = format_mailbox(name, "a@x.test")
    words = mailbox.removesuffix(" <a@x.test>").split()
    assert all(len(word) <= 75 for word in words)
    assert str(make_header(decode_header(" ".join(words)))) == name


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@x.test", "a@x.test"),
        (" a@x.test ", "a@x.test"),
        ("<a@x.test>", "a@x.test"),
        ('"Name" <a@x.test>', "a@x.test"),
        ('"A <b@y.test>, C" < a@x.test > ', "a@x.test"),
        ("Näme <a@x.test>", "a@x.test"),
        ("", ""),
    ],
)
def test_bare_addresses_are_read_from_every_form(text: str, address: str) -> None:
    assert read_address(text) == address
