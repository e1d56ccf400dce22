"""Tokens: only what was signed, for that purpose, with a key we have, in its one spelling."""

import base64
import random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.signing import TOKEN_LENGTH, Purpose, RecipientRef, Signer

OLD, NEW, FOREIGN = "old-" + "a1b2c3d4" * 4, "new-" + "e5f6g7h8" * 4, "foreign-" + "i9j0k1l2" * 4
REF = RecipientRef(UUID(int=1 << 100), UUID(int=2 << 90), 3)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
signer = Signer([NEW])
token = signer.sign(Purpose.OPEN, REF)


@given(st.uuids(), st.uuids(), st.integers(0, 2**32 - 1), st.sampled_from(Purpose))
def test_what_was_signed_is_read_back(school: UUID, campaign: UUID, number: int, purpose: Purpose) -> None:
    ref = RecipientRef(school, campaign, number)
    signed = signer.sign(purpose, ref)
    assert len(signed) == TOKEN_LENGTH
    assert set(signed) <= set(ALPHABET)
    assert signer.verify(purpose, signed) == ref


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_is_good_for_one_purpose(purpose: Purpose) -> None:
    signed = signer.sign(purpose, REF)
    assert [other for other in Purpose if signer.verify(other, signed)] == [purpose]


def test_the_first_key_signs_and_all_verify() -> None:
    before = Signer([OLD]).sign(Purpose.CLICK, REF)
    rotated = Signer([NEW, OLD])
    assert rotated.verify(Purpose.CLICK, before) == REF
    assert rotated.sign(Purpose.CLICK, REF) == Signer([NEW]).sign(Purpose.CLICK, REF) != before
    assert Signer([NEW]).verify(Purpose.CLICK, before) is None


def test_a_foreign_key_signs_nothing_of_ours() -> None:
    assert signer.verify(Purpose.OPEN, Signer([FOREIGN]).sign(Purpose.OPEN, REF)) is None


def test_keys_that_share_an_id_are_all_tried() -> None:
    """A key's id is one byte, so two keys may share it: neither may shadow the other."""
    keys = [f"key-{number:08}-0123456789-abcdefgh" for number in range(257)]
    by_id: dict[int, str] = {}
    for key in keys:
        key_id = base64.urlsafe_b64decode(Signer([key]).sign(Purpose.OPEN, REF) + "=")[0]
        twin = by_id.setdefault(key_id, key)
        if twin != key:
            signed = Signer([twin]).sign(Purpose.OPEN, REF)
            assert Signer([key]).verify(Purpose.OPEN, signed) is None
            assert Signer([key, twin]).verify(Purpose.OPEN, signed) == REF
            return
    pytest.fail("of 257 keys, no two shared an id")


def test_a_signer_needs_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        Signer([])


def test_every_changed_bit_is_refused() -> None:
    raw = base64.urlsafe_b64decode(token + "=")
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        forged = base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        assert signer.verify(Purpose.OPEN, forged) is None


def test_every_changed_character_is_refused() -> None:
    """The last one has spare bits: a second spelling of the same token is refused as well."""
    for place, kept in enumerate(token):
        for char in ALPHABET.replace(kept, "") + "=+/ .é\n":
            assert signer.verify(Purpose.OPEN, token[:place] + char + token[place + 1 :]) is None


@pytest.mark.parametrize("length", [0, 1, 35, TOKEN_LENGTH - 4, TOKEN_LENGTH - 1])
def test_a_truncated_token_is_refused(length: int) -> None:
    assert signer.verify(Purpose.OPEN, token[:length]) is None


@pytest.mark.parametrize("added", ["=", "A", "AAAA", "\n", token])
def test_a_longer_token_is_refused(added: str) -> None:
    assert signer.verify(Purpose.OPEN, token + added) is None
    assert signer.verify(Purpose.OPEN, added + token) is None


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_no_mutated_token_is_accepted(count: int) -> None:
    """One to four characters of a good token changed, swapped for another's, or its bytes drawn anew."""
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    other = signer.sign(Purpose.OPEN, RecipientRef(UUID(int=5), UUID(int=6), 7))
    for _ in range(count):
        chars = list(token)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(TOKEN_LENGTH)
            chars[place] = draw.choice((other[place], draw.choice(ALPHABET)))
        mutated = "".join(chars)
        if mutated not in {token, other}:
            assert signer.verify(Purpose.OPEN, mutated) is None, (seed, mutated)


@given(
    st.text(min_size=TOKEN_LENGTH, max_size=TOKEN_LENGTH)
    | st.text(ALPHABET + "=", min_size=TOKEN_LENGTH, max_size=TOKEN_LENGTH)
)
def test_any_other_text_is_refused_without_an_error(text: str) -> None:
    assert signer.verify(Purpose.OPEN, text) is None


def test_a_token_says_nothing_personal() -> None:
    raw = base64.urlsafe_b64decode(token + "=")
    assert raw[1:37] == REF.school_id.bytes + REF.campaign_id.bytes + (3).to_bytes(4, "big")
    assert len(raw) == 37 + 16
