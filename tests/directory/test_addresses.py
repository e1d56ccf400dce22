"""One verdict on an address for all: valid or not, sendable or not, and the same mailbox or another."""

import pytest

from app.directory.addresses import hash_address, read_address
from tests.school import SchoolClient

SECRET = b"s" * 32


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("ann@school.example", "ann@school.example"),
        ("Ann.B+tag@School.Example", "Ann.B+tag@school.example"),
        ("ann@münchen.example", "ann@xn--mnchen-3ya.example"),
        ("ann@xn--mnchen-3ya.example", "ann@xn--mnchen-3ya.example"),
        ("josé@school.example", None),
        ("用户@例子.example", None),
    ],
)
def test_a_valid_address_is_kept_as_typed(typed: str, wire: str | None) -> None:
    address = read_address(typed)
    assert (address.typed, address.wire) == (typed, wire)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ann",
        "@school.example",
        "ann@",
        "ann@@school.example",
        "ann smith@school.example",
        "ann@school..example",
        "ann@-school.example",
        "Ann <ann@school.example>",
        "ann@school.example, bob@school.example",
        "ann@school.example\r\nBcc: x@y.example",
        "x" * 321 + "@school.example",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a valid email address") as refusal:
        read_address(typed)
    assert not typed or typed not in str(refusal.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@School.example", "ann@school.EXAMPLE"),
        (" ann@school.example", "ann@school.example "),
        ("ann@münchen.example", "ann@xn--mnchen-3ya.example"),
        ("ann@MÜNCHEN.example", "ann@münchen.example"),
        ("JOSÉ@school.example", "josé@school.example"),
    ],
)
def test_one_mailbox_has_one_hash(one: str, other: str) -> None:
    assert hash_address(SECRET, one) == hash_address(SECRET, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@school.example", "anne@school.example"),
        ("ann@school.example", "ann@school.test"),
        ("a.nn@school.example", "ann@school.example"),
        ("ann+x@school.example", "ann@school.example"),
    ],
)
def test_other_mailboxes_have_other_hashes(one: str, other: str) -> None:
    assert hash_address(SECRET, one) != hash_address(SECRET, other)


def test_a_hash_is_the_schools_own() -> None:
    assert hash_address(SECRET, "ann@school.example") != hash_address(b"t" * 32, "ann@school.example")


async def test_an_address_that_cannot_be_sent_to_is_kept_all_the_same(school: SchoolClient) -> None:
    await school.push("users", {"external_id": "u1", "email": "josé@school.example"})
    assert (await school.read("/v1/directory/users/u1"))["email"] == "josé@school.example"
