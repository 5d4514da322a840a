"""A client's side of SCRAM-SHA-256 (RFC 5802 section 3), written from the RFC alone."""

import base64
import hashlib
import hmac
import os

from mailhost.protocols.scram import password_octets


class ScramClient:
    """first(), then final() with what the server said; `flag` is "n" or "y" where nothing is bound."""

    def __init__(
        self, login: str, password: str, *, binding: bytes = b"", flag: str = "n", authzid: str = ""
    ):
        escaped = login.replace("=", "=3D").replace(",", "=2C")
        self._password = password_octets(password)
        self._binding = binding
        flag = "p=tls-server-end-point" if binding else flag
        self._header = f"{flag},{f'a={authzid}' if authzid else ''},".encode()
        self._bare = f"n={escaped},r={base64.b64encode(os.urandom(18)).decode()}".encode()
        self._server_signature = b""

    def first(self) -> bytes:
        """client-first-message."""
        return self._header + self._bare

    def final(self, server_first: bytes, *, extension: bytes = b"") -> bytes:
        """client-final-message."""
        said = dict(pair.split(b"=", 1) for pair in server_first.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(said[b"s"]), int(said[b"i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = (
            b"c=" + base64.b64encode(self._header + self._binding) + b",r=" + said[b"r"] + extension
        )
        message = b",".join((self._bare, server_first, without_proof))
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        self._server_signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        proof = bytes(left ^ right for left, right in zip(client_key, signature, strict=True))
        return without_proof + b",p=" + base64.b64encode(proof)

    def is_proven_by(self, server_final: bytes) -> bool:
        """Whether the server knows the keys."""
        return server_final == b"v=" + base64.b64encode(self._server_signature)
