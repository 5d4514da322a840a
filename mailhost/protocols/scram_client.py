"""The client's side of SCRAM-SHA-256 (RFC 5802 sections 5 and 7, RFC 7677), without channel binding.

The password is proven and not said, and the server has to prove that it knows the keys.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from mailhost.protocols.scram import password_octets

MIN_ITERATIONS: Final = 4096  # RFC 7677 section 4: a server that asks for fewer makes guessing cheap
MAX_ITERATIONS: Final = 600_000  # half a second here; a server that asks for more wants our time
MAX_MESSAGE_OCTETS: Final = 4_096
_GS2_HEADER: Final = b"n,,"

# server-first-message, RFC 5802 section 7, without the mandatory extensions that nobody has defined
_SERVER_FIRST: Final = re.compile(
    rb"r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+),s=(?P<salt>[A-Za-z0-9+/]+={0,2}),i=(?P<iterations>[1-9][0-9]{0,8})"
    rb"(?:,[A-Za-z]=[^\0,]+)*"
)


class ScramFailed(Exception):
    """The server does not do its part; the text is a sentence."""


@dataclass
class ScramClient:
    """first(), then final() with what the server said, then verify(). nonce: printable ASCII without commas."""

    login: str
    password: str = field(repr=False)
    nonce: str
    _bare: bytes = field(init=False)
    _signature: bytes = field(init=False, default=b"", repr=False)

    def __post_init__(self) -> None:
        name = self.login.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={self.nonce}".encode()

    def first(self) -> bytes:
        """client-first-message."""
        return _GS2_HEADER + self._bare

    def final(self, server_first: bytes) -> bytes:
        """client-final-message. Takes as long as the server's iteration count says. Raises ScramFailed."""
        said = _SERVER_FIRST.fullmatch(server_first[: MAX_MESSAGE_OCTETS + 1])
        if said is None or len(server_first) > MAX_MESSAGE_OCTETS:
            raise ScramFailed("What the server said first is no SCRAM.")
        if not said["nonce"].startswith(self.nonce.encode()) or said["nonce"] == self.nonce.encode():
            raise ScramFailed("The server's nonce does not go on from ours.")  # section 5.1, "r"
        iterations = int(said["iterations"])
        if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
            raise ScramFailed(f"The server asks for {iterations} iterations, which is not sensible.")
        try:
            salt = base64.b64decode(said["salt"], validate=True)
        except binascii.Error:
            raise ScramFailed("The server's salt is not base64.") from None
        salted = hashlib.pbkdf2_hmac("sha256", password_octets(self.password), salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = b"c=" + base64.b64encode(_GS2_HEADER) + b",r=" + said["nonce"]
        message = b",".join((self._bare, server_first, without_proof))
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        proof = bytes(left ^ right for left, right in zip(client_key, signature, strict=True))
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify(self, server_final: bytes) -> None:
        """Raises ScramFailed where the server did not know the keys."""
        expected = b"v=" + base64.b64encode(self._signature)
        verifier, _, _ = server_final.partition(b",")
        if not self._signature or not hmac.compare_digest(verifier, expected):
            raise ScramFailed("The server has not proven that it knows the password.")
