"""Keys of SCRAM-SHA-256 (RFC 5802, RFC 7677), made when a password is set: argon2 cannot give them later."""

import hashlib
import hmac
import stringprep
import unicodedata
from typing import NamedTuple

ITERATIONS = 4096  # RFC 7677 section 4: at least 4096; clients pay it at each login

# RFC 4013 section 2.3: what SASLprep's output may not hold.
PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class ScramKeys(NamedTuple):
    """What is kept of a password (RFC 5802 section 3); StoredKey and ServerKey have 32 octets each."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class CannotPrepare(ValueError):
    """SASLprep (RFC 4013) has no output for this text."""


def saslprep(text: str) -> str:
    """RFC 4013, for text that will be stored (section 2.5 then forbids unassigned code points)."""
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    for character in prepared:
        if stringprep.in_table_a1(character) or any(table(character) for table in PROHIBITED):
            raise CannotPrepare(f"U+{ord(character):04X} is not allowed")
    # RFC 3454 section 6: a text with right-to-left letters has no left-to-right ones, and begins and ends
    # with one.
    if any(map(stringprep.in_table_d1, prepared)):
        ends = stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
        if not ends or any(map(stringprep.in_table_d2, prepared)):
            raise CannotPrepare("mixed writing directions")
    return prepared


def password_octets(password: str) -> bytes:
    """What the keys are derived from: SASLprep's output, or the text as it is where it has none (an emoji).

    Clients that cannot prepare a password send it as it is; Postgres decides the same way.
    """
    try:
        return saslprep(password).encode()
    except CannotPrepare:
        return password.encode(errors="surrogatepass")


def derive(password: str, salt: bytes, iterations: int = ITERATIONS) -> tuple[bytes, bytes]:
    """(StoredKey, ServerKey), 32 octets each (RFC 5802 section 3)."""
    salted = hashlib.pbkdf2_hmac("sha256", password_octets(password), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return hashlib.sha256(client_key).digest(), server_key
