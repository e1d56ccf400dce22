"""The fast path for plain addresses gives email-validator's own verdict, or none."""

from string import ascii_letters, digits

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.directory.addresses import _read_plain

ATOMS = st.text(
    st.sampled_from(ascii_letters + digits + "!#$%&'*+-/=?^_`{|}~." + '@ "(),:;<>[\\]é\n'), max_size=70
)
LABELS = st.one_of(
    st.text(st.sampled_from(ascii_letters + digits + "-"), max_size=66),
    st.text(st.sampled_from("x-n" + "é.\n_"), max_size=6),
    st.sampled_from(
        [
            "test",
            "local",
            "LOCAL",
            "localhost",
            "onion",
            "invalid",
            "arpa",
            "example",
            "com",
            "xn--mnchen-3ya",
            "1",
        ]
    ),
)
DOMAINS = st.lists(LABELS, max_size=6).map(".".join)
LOCALS = st.one_of(ATOMS, st.sampled_from(["Info", "ABUSE", "postmaster", "News", "a.b", ".a", "a.", "a..b"]))
ADDRESSES = st.one_of(st.builds("{}@{}".format, LOCALS, DOMAINS), st.text(max_size=30))


def _ask(typed: str) -> str | None:
    """Return the address as it goes to SES, or None when email-validator refuses it."""
    try:
        parsed = validate_email(typed, check_deliverability=False, allow_smtputf8=True, test_environment=True)
    except EmailNotValidError:
        return None
    return parsed.ascii_email


@settings(max_examples=500, deadline=None)
@given(ADDRESSES)
@example("a" * 243 + "@example.org")
@example("a" * 242 + "@example.org")
@example("a@" + "b" * 63 + ".org")
@example("a@" + "b" * 64 + ".org")
@example("a@ab--c.org")
@example("a@xn--mnchen-3ya.org")
@example("Info@School.Example")
@example("a@school.LOCAL")
@example("a@school.test")
@example("a@test")
@example("a@school.c1")
@example("a@school.org\n")
def test_whom_the_fast_path_knows_email_validator_reads_the_same(typed: str) -> None:
    wire = _read_plain(typed)
    assert wire is None or wire == _ask(typed)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(ADDRESSES)
def test_it_reads_the_same_at_length(typed: str) -> None:
    wire = _read_plain(typed)
    assert wire is None or wire == _ask(typed)


@pytest.mark.parametrize(
    "typed", ["ann@school.example", "Ann.B+tag@School.Example", "o'neil@mail.school-one.co.uk", "1@2.org"]
)
def test_ordinary_addresses_take_the_fast_path(typed: str) -> None:
    assert _read_plain(typed) == _ask(typed)
