"""OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner: a bearer token (RFC 6750) instead of a password.

Both carry `key=value` pairs between octets 01. A refusal is told in JSON, as one more challenge, whose answer says
nothing.
"""

import json
import re
from typing import NamedTuple

from mailhost.protocols.sasl import MAX_FIELD_OCTETS, SaslSyntaxError
from mailhost.protocols.scram_server import SASLNAME

MAX_TOKEN_OCTETS = 8192  # signed tokens with many claims have 2 to 4 KB

# RFC 7628 section 3.1: gs2-header kvsep *kvpair kvsep; nothing can be bound, so the flag "p" makes no sense.
OAUTHBEARER = re.compile(
    rb"[ny],(?:a=(?P<authzid>%b))?,\x01(?P<pairs>(?:[A-Za-z]+=[\x09\x0a\x0d\x20-\x7e]*\x01)*)\x01" % SASLNAME
)
XOAUTH2 = re.compile(rb"user=(?P<authzid>[^\x00\x01]+)\x01auth=(?P<auth>[\x20-\x7e]*)\x01\x01")
# RFC 6750 section 2.1: b64token, behind a scheme in any case.
BEARER = re.compile(rb"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)

REFUSALS = {
    "OAUTHBEARER": json.dumps({"status": "invalid_token"}).encode(),  # section 3.2.2
    "XOAUTH2": json.dumps({"status": "401", "schemes": "bearer", "scope": ""}).encode(),
}


class BearerToken(NamedTuple):
    """For whom it is ("": whoever the token names), and the token ("": the client sent none)."""

    login: str
    token: str


def parse_oauthbearer(octets: bytes) -> BearerToken:
    """The client's only message. Raises SaslSyntaxError."""
    match = OAUTHBEARER.fullmatch(octets)
    if match is None:
        raise SaslSyntaxError("This is no message of OAUTHBEARER.")
    pairs = dict(pair.split(b"=", 1) for pair in match["pairs"].split(b"\x01")[:-1])
    name = (match["authzid"] or b"").replace(b"=2C", b",").replace(b"=3D", b"=")
    return BearerToken(_login(name), _token(pairs.get(b"auth", b"")))


def parse_xoauth2(octets: bytes) -> BearerToken:
    """The client's only message. Raises SaslSyntaxError."""
    match = XOAUTH2.fullmatch(octets)
    if match is None:
        raise SaslSyntaxError("This is no message of XOAUTH2.")
    return BearerToken(_login(match["authzid"]), _token(match["auth"]))


def _login(octets: bytes) -> str:
    if len(octets) > MAX_FIELD_OCTETS:
        raise SaslSyntaxError("The login is too long.")
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise SaslSyntaxError("The login must be in UTF-8.") from None


def _token(octets: bytes) -> str:
    if len(octets) > MAX_TOKEN_OCTETS:
        raise SaslSyntaxError("The token is too long.")
    match = BEARER.fullmatch(octets)
    return match[1].decode() if match else ""  # another scheme is refused as a wrong token is (section 3.2.3)


PARSERS = {"OAUTHBEARER": parse_oauthbearer, "XOAUTH2": parse_xoauth2}
