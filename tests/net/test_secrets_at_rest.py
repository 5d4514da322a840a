"""What is encrypted in the database: read with the right secret and for its purpose, and never otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from mailhost.net.secrets_at_rest import CannotDecrypt, decrypt, encrypt, is_current

OLD, NEW = "o" * 40, "n" * 40


@given(st.binary(max_size=300), st.text(max_size=30))
def test_what_was_encrypted_is_read_again(octets: bytes, purpose: str) -> None:
    kept = encrypt(octets, purpose=purpose)
    assert decrypt(kept, purpose=purpose) == octets
    assert len(octets) < 8 or octets not in kept


@given(st.binary(max_size=200))
def test_what_is_no_encryption_is_a_fact(kept: bytes) -> None:
    with pytest.raises(CannotDecrypt):
        decrypt(kept, purpose="x")


def test_no_octet_can_be_changed_and_no_purpose() -> None:
    kept = encrypt(b"a private key", purpose="dkim 1 a")
    for position in range(len(kept)):
        changed = kept[:position] + bytes([kept[position] ^ 1]) + kept[position + 1 :]
        with pytest.raises(CannotDecrypt):
            decrypt(changed, purpose="dkim 1 a")
    with pytest.raises(CannotDecrypt, match="somewhere else"):
        decrypt(kept, purpose="dkim 2 a")


def test_an_old_secret_still_reads_and_no_longer_writes(settings: Settings) -> None:
    settings.KEY_SECRET = OLD
    kept = encrypt(b"x", purpose="p")
    settings.KEY_SECRET, settings.OLD_KEY_SECRETS = NEW, (OLD,)
    assert decrypt(kept, purpose="p") == b"x"
    assert not is_current(kept)
    assert is_current(encrypt(b"x", purpose="p"))
    settings.OLD_KEY_SECRETS = ()
    with pytest.raises(CannotDecrypt, match="another secret"):
        decrypt(kept, purpose="p")
