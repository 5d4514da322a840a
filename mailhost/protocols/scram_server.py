"""The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802 sections 5 to 7, RFC 7677).

The keys of the account come in between, so that nothing here reads a database. Channel binding is
tls-server-end-point (RFC 5929 section 4); tls-unique is not defined for TLS 1.3.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass

from mailhost.protocols.sasl import MAX_FIELD_OCTETS, SaslSyntaxError
from mailhost.protocols.scram import ScramKeys

BINDING_NAME = b"tls-server-end-point"
MAX_NONCE_OCTETS = 512  # RFC 5802 names no bound; clients send about 24

# RFC 5802 section 7, the ABNF by its own names.
SASLNAME = rb"(?:[^\0,=]|=2C|=3D)+"
NONCE = rb"[\x21-\x2b\x2d-\x7e]+"
EXTENSIONS = rb"(?:,[A-Za-z]=[^\0,]+)*"
BASE64 = rb"[A-Za-z0-9+/]*={0,2}"
CLIENT_FIRST = re.compile(
    rb"(?P<gs2_header>(?:p=(?P<binding_name>[A-Za-z0-9.-]+)|(?P<flag>[ny])),(?:a=(?P<authzid>%b))?,)"
    rb"(?P<bare>(?P<mandatory>m=[^\0,]+,)?n=(?P<name>%b),r=(?P<nonce>%b)%b)"
    % (SASLNAME, SASLNAME, NONCE, EXTENSIONS)
)
CLIENT_FINAL = re.compile(
    rb"(?P<without_proof>c=(?P<binding>%b),r=(?P<nonce>%b)%b),p=(?P<proof>%b)"
    % (BASE64, NONCE, EXTENSIONS, BASE64)
)


class ScramRefused(Exception):
    """The proof is wrong, or the channel is not the one that the client sees; the text is for the log."""


@dataclass(frozen=True, slots=True)
class ClientFirst:
    """client-first-message: who wants to act as whom ("" is the login itself), and how the channel is bound."""

    gs2_header: bytes
    binding_name: bytes  # b"": the client binds nothing
    client_would_bind: bool  # "y": it could, and thinks that the server cannot
    authzid: str
    login: str
    nonce: bytes
    bare: bytes


def parse_client_first(octets: bytes) -> ClientFirst:
    """Raises SaslSyntaxError."""
    match = CLIENT_FIRST.fullmatch(octets)
    if match is None:
        raise SaslSyntaxError("This is no first message of SCRAM.")
    if match["mandatory"]:
        raise SaslSyntaxError("SCRAM's mandatory extensions are not supported.")  # section 5.1, "m"
    if len(match["nonce"]) > MAX_NONCE_OCTETS:
        raise SaslSyntaxError("The nonce is too long.")
    return ClientFirst(
        gs2_header=match["gs2_header"],
        binding_name=match["binding_name"] or b"",
        client_would_bind=match["flag"] == b"y",
        authzid=_name(match["authzid"] or b""),
        login=_name(match["name"]),
        nonce=match["nonce"],
        bare=match["bare"],
    )


def _name(octets: bytes) -> str:
    if len(octets) > MAX_FIELD_OCTETS:
        raise SaslSyntaxError("The login is too long.")
    try:
        return octets.replace(b"=2C", b",").replace(b"=3D", b"=").decode()
    except UnicodeDecodeError:
        raise SaslSyntaxError("The login must be in UTF-8.") from None


class ScramExchange:
    """One attempt: first(), then challenge() with the keys of that login, then final().

    `bindings` are the end points that this connection may have shown; empty where there are none, which is where
    PLUS is not offered. `nonce` is ours: printable, no comma, at least 18 random octets.
    """

    def __init__(
        self, *, is_plus: bool, bindings: Collection[bytes], is_plus_offered: bool, nonce: str
    ) -> None:
        self._is_plus = is_plus
        self._bindings = bindings
        self._is_plus_offered = is_plus_offered
        self._server_nonce = nonce.encode("ascii")
        self._first: ClientFirst | None = None
        self._keys: ScramKeys | None = None
        self._server_first = b""

    def first(self, octets: bytes) -> ClientFirst:
        """The client's first message. Raises SaslSyntaxError, ScramRefused."""
        first = parse_client_first(octets)
        if self._is_plus != bool(first.binding_name):
            raise SaslSyntaxError("Channel binding belongs to SCRAM-SHA-256-PLUS, and that needs it.")
        if first.binding_name not in {b"", BINDING_NAME}:
            raise SaslSyntaxError("The only channel binding here is tls-server-end-point.")
        if first.client_would_bind and self._is_plus_offered:
            # Section 6: somebody between took PLUS out of what we offered.
            raise ScramRefused("the client did not see that channel binding is offered")
        self._first = first
        return first

    def challenge(self, keys: ScramKeys) -> bytes:
        """server-first-message."""
        assert self._first is not None
        self._keys = keys
        salt = base64.b64encode(keys.salt)
        nonce = self._first.nonce + self._server_nonce
        self._server_first = b"r=%b,s=%b,i=%d" % (nonce, salt, keys.iterations)
        return self._server_first

    def final(self, octets: bytes) -> bytes:
        """server-final-message, which proves that we know the keys. Raises SaslSyntaxError, ScramRefused."""
        assert self._first is not None
        assert self._keys is not None
        match = CLIENT_FINAL.fullmatch(octets)
        if match is None:
            raise SaslSyntaxError("This is no final message of SCRAM.")
        binding, proof = _decode(match["binding"]), _decode(match["proof"])
        if not hmac.compare_digest(match["nonce"], self._first.nonce + self._server_nonce):
            raise ScramRefused("another nonce")
        if not self._is_bound(self._first, binding):
            raise ScramRefused("the client sees another channel")
        message = b",".join((self._first.bare, self._server_first, match["without_proof"]))
        signature = hmac.digest(self._keys.stored_key, message, "sha256")
        if len(proof) != len(signature):
            raise ScramRefused("the proof is wrong")
        client_key = bytes(left ^ right for left, right in zip(proof, signature, strict=True))
        if not hmac.compare_digest(hashlib.sha256(client_key).digest(), self._keys.stored_key):
            raise ScramRefused("the proof is wrong")
        return b"v=" + base64.b64encode(hmac.digest(self._keys.server_key, message, "sha256"))

    def _is_bound(self, first: ClientFirst, binding: bytes) -> bool:
        """cbind-input = gs2-header [ cbind-data ] (section 7)."""
        if not first.binding_name:
            return hmac.compare_digest(binding, first.gs2_header)
        return any(hmac.compare_digest(binding, first.gs2_header + shown) for shown in self._bindings)


def _decode(octets: bytes) -> bytes:
    try:
        return base64.b64decode(octets, validate=True)
    except (binascii.Error, ValueError):
        raise SaslSyntaxError("This is not base64.") from None
