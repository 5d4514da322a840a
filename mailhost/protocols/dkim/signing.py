"""Making DKIM-Signature fields (RFC 6376 section 5): relaxed/relaxed, with RSA or Ed25519 (RFC 8301, RFC 8463)."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

from mailhost.protocols.dkim.canonicalization import Canonicalization, field_in_form, without_line_end
from mailhost.protocols.dkim.keys import MIN_RSA_BITS
from mailhost.protocols.dkim.message import SignedMessage, read_signed_message
from mailhost.protocols.lines import to_crlf

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

# What section 5.4.1 recommends, and what shows how the body is read. Named once more than they stand in the message,
# so that none can be added (section 8.15). Lists that pass a message on add Sender and fields of their own.
OVERSIGNED: Final = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
)
SIGNED: Final = (
    "Sender",
    "Resent-Date",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Message-ID",
    "Content-ID",
    "Content-Description",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",  # RFC 8058 section 4: one-click unsubscribing counts only where it is signed
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
    "TLS-Report-Domain",  # RFC 8460 section 5.3
    "TLS-Report-Submitter",
)
_LINE_OCTETS: Final = 76  # RFC 5322 section 2.1.1 asks for 78
_ROW: Final = 72  # of b=
_FOLD: Final = "\r\n\t"
_SHA256 = Prehashed(SHA256())
_PADDING = PKCS1v15()


class CannotBeSigned(ValueError):
    """This message, or with this key; the text is a sentence for people."""


def sign(
    octets: bytes,
    *,
    domain: str,
    selector: str,
    key: PrivateKey,
    now: datetime,
    expires_after: timedelta | None = None,
    oversigned: Sequence[str] = OVERSIGNED,
    signed: Sequence[str] = SIGNED,
) -> bytes:
    """The DKIM-Signature field to put in front of the message, folded, with its CRLF. Raises CannotBeSigned.

    octets: the message; line ends count as CRLF, which is how it goes out (`mailhost.protocols.lines`). domain,
    selector: A-labels, whose key record holds the key's other half. The key decides on the algorithm. Without
    expires_after the signature holds for ever. Of `signed` those that the message has are named, of
    `oversigned` all, and once more than it has them.
    """
    return sign_read(
        read_signed_message(to_crlf(octets)),
        domain=domain,
        selector=selector,
        key=key,
        now=now,
        expires_after=expires_after,
        oversigned=oversigned,
        signed=signed,
    )


def sign_read(
    message: SignedMessage,
    *,
    domain: str,
    selector: str,
    key: PrivateKey,
    now: datetime,
    expires_after: timedelta | None = None,
    oversigned: Sequence[str] = OVERSIGNED,
    signed: Sequence[str] = SIGNED,
) -> bytes:
    """As sign, of a message with the line ends that it goes out with: several signatures share the body's hash."""
    tags = [("v", "1"), ("a", algorithm_of(key)), ("c", "relaxed/relaxed"), ("d", domain), ("s", selector)]
    tags.append(("t", seconds(now)))
    if expires_after is not None:
        tags.append(("x", seconds(now + expires_after)))
    names = [*oversigned_names(message, oversigned), *present_names(message, signed)]
    return sign_message(message, "DKIM-Signature", tags, key=key, names=names)


def sign_message(
    message: SignedMessage,
    name: str,
    tags: Sequence[tuple[str, str]],
    *,
    key: PrivateKey,
    names: Sequence[str],
) -> bytes:
    """A field over these fields and the body, relaxed/relaxed. Raises CannotBeSigned."""
    if message.is_too_large:
        raise CannotBeSigned("The header is too large.")
    if not message.named(b"from"):
        raise CannotBeSigned("The message has no From.")
    body_hash = message.body_hash(Canonicalization.RELAXED, None).digest
    hashing = message.header_hash(names)
    lists = [("h", ":".join(names)), ("bh", base64.b64encode(body_hash).decode("ascii"))]
    return sign_digest(hashing, name, [*tags, *lists], key=key)


def sign_digest(
    hashing: "hashlib._Hash", name: str, tags: Sequence[tuple[str, str]], *, key: PrivateKey
) -> bytes:
    """A field whose b= is over what was hashed and then itself. Raises CannotBeSigned."""
    unsigned = _folded(name, tags)
    field = unsigned.encode("ascii")
    own = field_in_form(
        Canonicalization.RELAXED, name.lower().encode("ascii"), field, field.partition(b":")[2]
    )
    hashing.update(without_line_end(own))
    signature = base64.b64encode(_sign(key, hashing.digest())).decode("ascii")
    rows = (signature[at : at + _ROW] for at in range(0, len(signature), _ROW))
    return f"{unsigned}{_FOLD.join(rows)}\r\n".encode("ascii")


def oversigned_names(message: SignedMessage, names: Sequence[str]) -> list[str]:
    """Each as often as it stands in the message, and once more."""
    return [each for name in names for each in [name, *_present(message, name)]]


def present_names(message: SignedMessage, names: Sequence[str]) -> list[str]:
    """Each as often as it stands in the message."""
    return [each for name in names for each in _present(message, name)]


def _present(message: SignedMessage, name: str) -> list[str]:
    return [name] * len(message.named(name.lower().encode("ascii")))


def algorithm_of(key: PrivateKey) -> str:
    """The value of a= for this key; CannotBeSigned for an RSA key that nobody would rely on (RFC 8301)."""
    if isinstance(key, Ed25519PrivateKey):
        return "ed25519-sha256"
    if key.key_size < MIN_RSA_BITS:
        raise CannotBeSigned(f"The RSA key has only {key.key_size} bits.")
    return "rsa-sha256"


def seconds(moment: datetime) -> str:
    """The value of t= and x=: since 1970."""
    return str(int(moment.timestamp()))


def _sign(key: PrivateKey, digest: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(digest)  # RFC 8463 section 3: the hash is what is signed
    return key.sign(digest, _PADDING, _SHA256)


def _folded(name: str, tags: Sequence[tuple[str, str]]) -> str:
    """The field up to `b=`, on lines that are not too long: folded between tags, and h= behind its colons too."""
    rows = []
    row = f"{name}:"
    for tag, value in tags:
        first, *others = value.split(":")
        pieces = [f" {tag}={first}", *others]
        for index, piece in enumerate(pieces):
            end = ":" if index + 1 < len(pieces) else ";"
            if len(row) + len(piece) + len(end) > _LINE_OCTETS:
                rows.append(row)
                row = piece.lstrip(" ") + end
            else:
                row += piece + end
    return _FOLD.join([*rows, row, "b="])
